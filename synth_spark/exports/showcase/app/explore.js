const FIRST_BARS = 8;
const FIRST_IN_ORDER = 20;
const MOST_BARS = 300;

/** A bar chart of one column, or of attributes of several; drawn when it is seen. */
class Card {
  constructor(app, chart, at) {
    this.app = app;
    this.chart = chart;
    this.name = chart.name;
    this.expanded = false;
    this.list = element("ul", { class: "bars" });
    this.note = element("p", { class: "note" });
    this.more = element("button", { type: "button", class: "plain", onclick: () => this.expand() });
    const description = chart.column === null ? "" : app.release.columns[chart.column].description;
    const header = chart.column === null ? "" : app.release.columns[chart.column].name;
    this.root = element(
      "section",
      { class: "place", id: `chart-${at}`, "aria-labelledby": `title-${at}`, "data-chart": chart.name },
      element(
        "div",
        { class: "card" },
        element("h3", { id: `title-${at}`, title: header || null }, chart.title),
        description ? element("p", { class: "note" }, description) : null,
        this.list,
        this.note,
        this.more,
      ),
    );
  }

  expand() {
    this.expanded = !this.expanded;
    this.draw();
  }

  /** The bars: [column, value] with their counts, the largest first unless the column has an order. */
  bars() {
    const { engine, release } = this.app;
    const { column } = this.chart;
    if (column === null) {
      const bars = this.chart.bars.map(([own, value, name]) => ({ column: own, value, name, count: engine.count(own).values[value] }));
      return bars.sort((a, b) => b.count - a.count);
    }
    const { values } = engine.count(column);
    const bars = [...values].map((count, value) => ({ column, value, count }));
    const chosen = engine.selection.get(column);
    const shown = bars.filter((bar) => bar.count > 0 || chosen?.has(bar.value));
    return release.columns[column].kind === "ordered" ? shown : shown.sort((a, b) => b.count - a.count || a.value - b.value);
  }

  draw() {
    const { engine } = this.app;
    const bars = this.bars();
    const ordered = this.chart.column !== null && this.app.release.columns[this.chart.column].kind === "ordered";
    const first = ordered ? FIRST_IN_ORDER : FIRST_BARS;
    const isChosen = (bar) => engine.selection.get(bar.column)?.has(bar.value) ?? false;
    const most = this.expanded ? MOST_BARS : bars.length <= first + 1 ? first + 1 : first;
    const shown = bars.filter((bar, at) => at < most || isChosen(bar));
    for (const bar of shown) bar.reported = engine.reported(bar.column, bar.value);
    const largest = Math.max(1, ...shown.map((bar) => Math.max(bar.count, bar.reported?.high ?? bar.reported?.count ?? 0)));
    const anyChosen = shown.some(isChosen);
    this.list.classList.toggle("long", shown.length > first + 4);
    this.list.replaceChildren(...shown.map((bar) => this.row(bar, largest, isChosen(bar), anyChosen)));
    this.note.textContent = this.noted(bars, shown);
    this.more.hidden = bars.length <= first + 1;
    this.more.textContent = this.expanded ? t("chart.less") : t("chart.more", { count: told(bars.length) });
  }

  noted(bars, shown) {
    if (!bars.some((bar) => bar.count > 0)) return t("chart.empty");
    if (this.expanded && bars.length > shown.length) return t("chart.first", { count: told(shown.length), all: told(bars.length) });
    if (this.chart.column === null) return "";
    const { held, all } = this.app.engine.count(this.chart.column);
    return held < all ? t("chart.held", { share: inShares.format(held / all) }) : "";
  }

  row(bar, largest, chosen, anyChosen) {
    const { release } = this.app;
    const name = bar.name ?? barName(release, this.chart, bar.column, bar.value);
    const { reported } = bar;
    const interval = reported?.low !== null && reported ? ` ${t("count.interval", { low: told(reported.low), high: told(reported.high) })}` : "";
    const said = reported ? t("bar.reported", { count: told(reported.count) }) + interval : t("bar.unreported");
    const share = (value) => `${((100 * value) / largest).toFixed(2)}%`;
    const track = element("span", { class: "track", "aria-hidden": true }, element("span", { class: "fill synthetic" }));
    track.firstChild.style.width = share(bar.count);
    if (reported) {
      const fill = element("span", { class: "fill reported" });
      fill.style.width = share(reported.count);
      track.append(fill);
      if (interval) {
        const whisker = element("span", { class: "whisker" });
        whisker.style.left = share(reported.low);
        whisker.style.width = share(reported.high - reported.low);
        track.append(whisker);
      }
    }
    const label = t("bar.told", { name, count: told(bar.count), reported: said });
    return element(
      "li",
      {},
      element(
        "button",
        {
          type: "button",
          class: `bar${anyChosen && !chosen ? " muted" : ""}`,
          "aria-pressed": String(chosen),
          "aria-label": label,
          title: label,
          "data-column": bar.column,
          "data-value": bar.value,
          "data-count": bar.count,
          "data-reported": reported ? reported.count : null,
          onclick: () => this.app.toggle(bar.column, bar.value, this),
        },
        element("span", { class: "label" }, name),
        track,
        element(
          "span",
          { class: "tally", "aria-hidden": true },
          element("span", {}, told(bar.count)),
          element("span", { class: "of-reported" }, reported ? told(reported.count) : "–"),
        ),
      ),
    );
  }
}

/** The page of bar charts. */
class Explore {
  constructor(app) {
    this.app = app;
    const { release } = app;
    this.cards = release.charts.map((chart, at) => new Card(app, chart, at));
    this.grid = document.getElementById("charts");
    this.grid.replaceChildren(...this.cards.map((card) => card.root));
    this.seen = new Set();
    this.stale = new Set(this.cards);
    this.byRoot = new Map(this.cards.map((card) => [card.root, card]));
    this.watcher = new IntersectionObserver((entries) => this.watch(entries));
    this.cards.forEach((card) => this.watcher.observe(card.root));
    // cards of different heights stand close: each takes as many of the grid's thin rows as it is high
    const fit = new ResizeObserver((entries) => {
      for (const { target } of entries) target.parentNode.style.gridRowEnd = `span ${Math.ceil((target.offsetHeight + 16) / 4)}`;
    });
    this.cards.forEach((card) => fit.observe(card.root.firstChild));
    this.buildLegend();
    this.buildChooser();
  }

  buildLegend() {
    const { release } = this.app;
    const sampled = release.records.shown < release.records.all;
    const legend = legendOf([t(sampled ? "legend.sampled" : "legend.synthetic"), t("legend.reported")]);
    document.getElementById("legend").replaceChildren(legend, element("p", { class: "note" }, t("legend.note", { longest: release.longest })));
  }

  /** Which charts are shown: of a page of the plan, or all, but those that were put away. */
  shown() {
    const { view, hidden } = this.app.state.now;
    const names = view ? this.app.release.pages[view] : null;
    return this.cards.filter((card) => (names === null || names.includes(card.name)) && !hidden.has(card.name));
  }

  buildChooser() {
    const { release, state } = this.app;
    const views = Object.keys(release.pages);
    const chooser = document.getElementById("views");
    chooser.hidden = !views.length;
    const option = (value, text) => element("option", { value }, text);
    this.view = element("select", { "aria-label": t("charts"), onchange: () => state.change({ view: this.view.value }) });
    this.view.append(option("", t("charts.all")), ...views.map((name) => option(name, name)));
    chooser.replaceChildren(this.view);
    const box = (card) => {
      const input = element("input", { type: "checkbox", onchange: () => this.setHidden(card.name, !input.checked) });
      card.box = input;
      return element("label", {}, input, ` ${card.chart.title}`);
    };
    const every = (hidden) => element(
      "button",
      { type: "button", class: "plain", onclick: () => state.change({ hidden: new Set(hidden ? this.cards.map((card) => card.name) : []) }) },
      t(hidden ? "charts.show_none" : "charts.show_all"),
    );
    const grouped = Object.entries(release.groups).map(([group, names]) => [group, this.cards.filter((card) => names.includes(card.name))]);
    const rest = this.cards.filter((card) => !grouped.some(([, cards]) => cards.includes(card)));
    const sections = [...grouped, ["", rest]].filter(([, cards]) => cards.length).map(([group, cards]) => element(
      "fieldset",
      {},
      group ? element("legend", {}, group) : null,
      ...cards.map(box),
    ));
    document.getElementById("chooser").replaceChildren(
      element("summary", {}, t("charts.choose")),
      element("div", { class: "boxes" }, element("p", {}, every(false), every(true)), ...sections),
    );
  }

  setHidden(name, hidden) {
    const now = new Set(this.app.state.now.hidden);
    if (hidden) now.add(name);
    else now.delete(name);
    this.app.state.change({ hidden: now });
  }

  watch(entries) {
    for (const { target, isIntersecting } of entries) {
      const card = this.byRoot.get(target);
      if (isIntersecting) this.seen.add(card);
      else this.seen.delete(card);
    }
    this.drawSeen();
  }

  update() {
    this.stale = new Set(this.cards);
    const shown = new Set(this.shown());
    for (const card of this.cards) {
      card.root.hidden = !shown.has(card);
      card.box.checked = !this.app.state.now.hidden.has(card.name);
    }
    this.view.value = this.app.state.now.view;
    document.getElementById("no-charts").hidden = shown.size > 0;
    this.drawSeen();
    this.later();
  }

  drawSeen() {
    for (const card of this.seen) this.draw(card);
  }

  draw(card) {
    if (!this.stale.delete(card) || card.root.hidden) return;
    card.draw();
  }

  /** Charts that are not seen are drawn when nothing else is to be done. */
  later() {
    clearTimeout(this.waiting);
    const step = () => {
      const next = this.stale.values().next();
      if (next.done) return;
      this.draw(next.value);
      this.waiting = setTimeout(step, 4);
    };
    this.waiting = setTimeout(step, 150);
  }

  drawAll() {
    for (const card of [...this.stale]) this.draw(card);
  }
}
