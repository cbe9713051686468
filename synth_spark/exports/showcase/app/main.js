const MOST_FOUND = 12;

/** The showcase: what is looked at, the engine that counts it, and the pages that show it. */
class App {
  constructor(release) {
    this.release = release;
    this.engine = new Engine(release);
    this.state = new State(release, () => this.update());
    this.drawn = null;
    this.buildFrame();
    this.explore = new Explore(this);
    this.compare = new Compare(this);
    this.records = new Records(this);
    this.buildTrust();
    this.update();
  }

  toggle(column, value, card) {
    this.state.toggle(column, value);
    // the bars were made anew: whoever came by keyboard stays where they were
    if (card) this.explore.draw(card);
    const bar = card?.root.querySelector(`[data-column="${column}"][data-value="${value}"]`);
    (bar ?? card?.root.querySelector("button"))?.focus({ preventScroll: true });
  }

  update() {
    const { now } = this.state;
    const changed = this.drawn !== now.selection;
    if (changed) this.engine.select(now.selection);
    this.drawn = now.selection;
    for (const page of PAGES) {
      document.getElementById(`page-${page}`).hidden = page !== now.page;
      document.getElementById(`tab-${page}`).setAttribute("aria-current", page === now.page ? "page" : "false");
    }
    this.drawSelection();
    this.explore.update();
    this.compare.update();
    this.records.update(changed);
  }

  buildFrame() {
    const { release, state } = this;
    const tab = (page) => element("li", {}, element(
      "button",
      { type: "button", id: `tab-${page}`, onclick: () => this.show(page) },
      t(`page.${page}`),
    ));
    document.getElementById("tabs").replaceChildren(...PAGES.map(tab));
    document.getElementById("tabs").parentNode.setAttribute("aria-label", t("pages"));
    document.getElementById("description").textContent = release.description;
    document.getElementById("description").hidden = !release.description;
    const { records, combinations } = release;
    const notes = [];
    if (records.shown < records.all) notes.push(t("sample", { shown: told(records.shown), all: told(records.all) }));
    if (combinations.shown < combinations.all) notes.push(t("shortened", { shown: told(combinations.shown), all: told(combinations.all) }));
    document.getElementById("notes").replaceChildren(...notes.map((note) => element("p", { class: "note declared" }, note)));
    for (const [name, work] of [
      ["undo", () => state.undo()],
      ["redo", () => state.redo()],
      ["clear", () => state.change({ selection: new Map() })],
      ["share", () => this.share()],
    ]) {
      const button = document.getElementById(name);
      button.textContent = t(`selection.${name}`);
      button.addEventListener("click", work);
    }
    for (const name of ["first", "back", "next", "last"]) document.getElementById(`data-${name}`).textContent = t(`data.${name}`);
    for (const [name, key] of [
      ["download", "data.download"], ["data-title", "data.title"], ["data-note", "data.note"], ["no-charts", "charts.none"],
      ["one-title", "compare.one"], ["one-note", "compare.one.note"], ["time-title", "compare.time"],
      ["time-note", "compare.time.note"], ["flow-title", "compare.flow"], ["flow-note", "compare.flow.note"],
      ["sentences-title", "trust.sentences"], ["terms-title", "trust.terms"], ["theme", "theme"], ["print", "print"],
    ]) document.getElementById(name).textContent = t(key);
    document.getElementById("records-region").setAttribute("aria-label", t("data.table"));
    document.getElementById("theme").addEventListener("click", () => this.turnTheme());
    document.getElementById("print").addEventListener("click", () => {
      this.explore.drawAll();
      print();
    });
    addEventListener("beforeprint", () => this.explore.drawAll());
    this.buildSearch();
  }

  show(page) {
    this.state.set({ page });
    scrollTo(0, 0);
  }

  turnTheme() {
    const { classList } = document.documentElement;
    const dark = classList.contains("dark") || (!classList.contains("light") && matchMedia("(prefers-color-scheme: dark)").matches);
    classList.toggle("dark", !dark);
    classList.toggle("light", dark);
  }

  async share() {
    const field = document.getElementById("said");
    try {
      await navigator.clipboard.writeText(location.href);
      field.textContent = t("selection.copied");
    } catch {
      field.textContent = location.href;
    }
  }

  drawSelection() {
    const { engine, release, state } = this;
    const chips = [...state.now.selection].map(([column, chosen]) => {
      const own = release.columns[column];
      const parts = [...chosen].map((value) => {
        const name = `${own.title}: ${labelOf(own, value)}`;
        return element("button", {
          type: "button",
          class: "chip",
          "aria-label": t("selection.remove", { name }),
          onclick: () => state.toggle(column, value),
        }, labelOf(own, value), element("span", { "aria-hidden": true }, " ×"));
      });
      const joined = parts.flatMap((part, at) => (at ? [element("span", { class: "or" }, t("selection.or")), part] : [part]));
      return element("li", {}, element("span", { class: "of" }, own.title), ...joined);
    });
    document.getElementById("chips").replaceChildren(...chips);
    document.getElementById("nothing").textContent = chips.length ? "" : t("selection.none");
    document.getElementById("undo").disabled = !state.past.length;
    document.getElementById("redo").disabled = !state.future.length;
    document.getElementById("clear").disabled = !chips.length;
    document.getElementById("said").textContent = "";
    const total = document.getElementById("total");
    total.dataset.count = engine.total;
    total.textContent = t("count.synthetic", { count: told(engine.total), all: told(engine.weightOf(null)) });
    const reported = document.getElementById("total-reported");
    const found = engine.reportedSelection();
    reported.hidden = !chips.length;
    const interval = found && found.low !== null ? ` ${t("count.interval", { low: told(found.low), high: told(found.high) })}` : "";
    reported.textContent = found ? t("count.reported", { count: told(found.count) }) + interval : t("count.unreported");
  }

  buildSearch() {
    const field = document.getElementById("search");
    const list = document.getElementById("found");
    field.placeholder = t("search");
    field.setAttribute("aria-label", t("search"));
    const close = () => {
      list.hidden = true;
      field.setAttribute("aria-expanded", "false");
      field.removeAttribute("aria-activedescendant");
    };
    let at = -1;
    const mark = (next) => {
      const options = [...list.querySelectorAll("[role=option]")];
      if (!options.length) return;
      at = (next + options.length) % options.length;
      options.forEach((option, own) => option.setAttribute("aria-selected", String(own === at)));
      field.setAttribute("aria-activedescendant", options[at].id);
      options[at].scrollIntoView({ block: "nearest" });
    };
    const choose = (one) => {
      close();
      field.value = "";
      if (one.value !== null) this.state.toggle(one.column, one.value);
      this.jump(one.column);
    };
    const fill = () => {
      const matches = this.find(field.value);
      at = -1;
      list.hidden = !field.value.trim();
      field.setAttribute("aria-expanded", String(!list.hidden));
      if (!matches.length) {
        list.replaceChildren(element("li", { class: "note" }, t("search.none")));
        return;
      }
      list.replaceChildren(...matches.map((one, own) => element(
        "li",
        { role: "option", id: `found-${own}`, "aria-selected": "false", onmousedown: (event) => event.preventDefault(), onclick: () => choose(one) },
        one.text,
        element("span", { class: "note" }, ` ${one.what}`),
      )));
      this.matches = matches;
    };
    field.addEventListener("input", fill);
    field.addEventListener("blur", close);
    field.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown") mark(at + 1);
      else if (event.key === "ArrowUp") mark(at - 1);
      else if (event.key === "Enter" && !list.hidden && this.matches?.length) choose(this.matches[Math.max(0, at)]);
      else if (event.key === "Escape") close();
      else return;
      event.preventDefault();
    });
    addEventListener("keydown", (event) => {
      if (event.key !== "/" || /INPUT|SELECT|TEXTAREA/.test(document.activeElement.tagName)) return;
      event.preventDefault();
      field.focus();
    });
  }

  /** Columns and values whose name holds a text; what begins with it comes first. */
  find(text) {
    const wanted = text.trim().toLowerCase();
    if (!wanted) return [];
    const found = [];
    this.release.columns.forEach((column, at) => {
      const place = `${column.title}\n${column.name}`.toLowerCase().indexOf(wanted);
      if (place >= 0) found.push({ column: at, value: null, text: column.title, what: t("search.column"), rank: place ? 2 : 0 });
      column.values.forEach((_, value) => {
        const name = labelOf(column, value);
        const own = name.toLowerCase().indexOf(wanted);
        const what = t("search.value", { column: column.title });
        if (own >= 0) found.push({ column: at, value, text: name, what, rank: own ? 3 : 1 });
      });
    });
    return found.sort((a, b) => a.rank - b.rank).slice(0, MOST_FOUND);
  }

  /** Go to the chart that shows a column. */
  jump(column) {
    const shows = (card) => card.chart.column === column || card.chart.bars?.some(([own]) => own === column);
    const card = this.explore.cards.find((one) => one.chart.column === column) ?? this.explore.cards.find(shows);
    if (!card) return;
    const hidden = new Set(this.state.now.hidden);
    hidden.delete(card.name);
    const view = this.release.pages[this.state.now.view]?.includes(card.name) ? this.state.now.view : "";
    this.state.set({ page: "explore", hidden, view });
    card.root.scrollIntoView({ block: "center" });
    card.root.querySelector("button")?.focus({ preventScroll: true });
  }

  buildTrust() {
    const { about, sentences, records, combinations, longest, noun } = this.release;
    const terms = about.k === undefined
      ? t("trust.epsilon", { epsilon: about.epsilon, delta: Number(about.delta).toPrecision(2) })
      : t("trust.k", { k: about.k });
    document.getElementById("terms").replaceChildren(element("strong", {}, terms), element("span", {}, ` ${about.guarantee}`));
    document.getElementById("sentences").replaceChildren(...sentences.map((sentence) => element("li", {}, sentence.replaceAll("`", ""))));
    const figure = (label, value) => element("div", { class: "figure" }, element("dt", {}, t(label, { noun })), element("dd", {}, value));
    document.getElementById("figures").replaceChildren(
      figure("trust.described", t("trust.about", { count: told(records.described) })),
      figure("trust.synthetic", told(records.all)),
      figure("trust.published", told(combinations.all)),
      figure("trust.longest", told(longest)),
    );
  }
}

const loading = document.getElementById("loading");
loading.textContent = t("loading");
// what is there is painted before unpacking takes the processor
requestAnimationFrame(() => setTimeout(async () => {
  try {
    window.showcase = new App(await readRelease());
  } catch (error) {
    loading.textContent = t("broken");
    throw error;
  }
  loading.remove();
  document.getElementById("app").hidden = false;
  window.showcase.update();
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
}));
