const MOST_LINES = 6;
const MOST_NODES = 7;

/** The page that compares: a column against the selection, lines over an ordered column, flow between columns. */
class Compare {
  constructor(app) {
    this.app = app;
    const { columns } = app.release;
    this.places = columns.map((_, at) => at).filter((at) => columns[at].values.length > 0);
    this.ordered = this.places.filter((at) => columns[at].kind === "ordered" && !columns[at].many);
  }

  update() {
    if (this.app.state.now.page !== "compare" || !this.places.length) return;
    this.drawOne();
    this.drawTime();
    this.drawFlow();
  }

  /** A choice of a column, that becomes part of what is looked at. */
  select(label, places, chosen, change, empty = null) {
    const { columns } = this.app.release;
    const choice = element("select", { onchange: () => change(choice.value === "" ? null : Number(choice.value)) });
    if (empty !== null) choice.append(element("option", { value: "" }, empty));
    choice.append(...places.map((at) => element("option", { value: at }, columns[at].title)));
    choice.value = chosen === null ? "" : String(chosen);
    return element("label", {}, `${label} `, choice);
  }

  /** A column to begin with: the one with most values that can still be read. */
  usual(places) {
    const { columns } = this.app.release;
    const readable = places.filter((at) => columns[at].values.length > 1 && columns[at].values.length <= 12);
    return readable[0] ?? places[0];
  }

  drawOne() {
    const { engine, release, state } = this.app;
    const place = state.now.compared ?? this.usual(this.places);
    const column = release.columns[place];
    const all = engine.everything(place);
    const own = engine.count(place);
    const bars = column.values.map((_, value) => ({
      name: labelOf(column, value),
      value,
      selected: own.all ? own.values[value] / own.all : 0,
      all: all.values[value] / Math.max(1, all.all),
      count: own.values[value],
      reported: engine.reported(place, value),
    }));
    const shown = column.kind === "ordered" ? bars : bars.sort((a, b) => b.all - a.all).slice(0, 25);
    const largest = Math.max(1e-9, ...shown.flatMap((bar) => [bar.selected, bar.all]));
    const row = (bar) => {
      const fills = [["synthetic", bar.selected], ["everyone", bar.all]].map(([kind, share]) => {
        const fill = element("span", { class: `fill ${kind}` });
        fill.style.width = `${((100 * share) / largest).toFixed(2)}%`;
        return fill;
      });
      return element(
        "li",
        { class: "bar", "data-value": bar.value, "data-count": bar.count },
        element("span", { class: "label", title: bar.name }, bar.name),
        element("span", { class: "track" }, ...fills),
        element("span", { class: "tally" }, element("span", {}, inShares.format(bar.selected)), element("span", { class: "of-reported" }, inShares.format(bar.all))),
      );
    };
    const rows = shown.map((bar) => [bar.name, inShares.format(bar.selected), inShares.format(bar.all), told(bar.count), bar.reported ? told(bar.reported.count) : "–"]);
    const heads = [column.title, t("compare.selected"), t("compare.all"), t("legend.synthetic"), t("legend.reported")];
    document.getElementById("compare-one").replaceChildren(
      element("p", { class: "controls" }, this.select(t("compare.column"), this.places, place, (at) => state.change({ compared: at }))),
      element("ul", { class: "legend" }, ...[["synthetic", "selected"], ["everyone", "all"]].map(([kind, key]) => element("li", {}, element("span", { class: `key fill ${kind}` }), t(`compare.${key}`)))),
      element("ul", { class: "bars broad" }, ...shown.map(row)),
      numbersTable(t("compare.one"), heads, rows),
    );
  }

  drawTime() {
    const { release, state } = this.app;
    const holder = document.getElementById("compare-time");
    if (!this.ordered.length) {
      holder.replaceChildren(element("p", { class: "note" }, t("compare.no_order")));
      return;
    }
    const over = state.now.over ?? this.ordered.find((at) => /year|date|month|time/i.test(release.columns[at].name)) ?? this.ordered[0];
    const { lines, shares } = state.now;
    const series = this.seriesOver(over, lines);
    if (shares) {
      const sums = this.seriesOver(over, null)[0].values;
      series.forEach((one) => (one.values = one.values.map((value, at) => (sums[at] ? value / sums[at] : 0))));
    }
    const column = release.columns[over];
    const names = column.values.map((_, value) => labelOf(column, value));
    const checked = element("input", { type: "checkbox", onchange: () => state.change({ shares: checked.checked }) });
    checked.checked = shares;
    const others = this.places.filter((at) => at !== over);
    const caption = `${t("compare.time")}: ${column.title}`;
    const written = (value) => (shares ? inShares.format(value) : told(value));
    holder.replaceChildren(
      element(
        "p",
        { class: "controls" },
        this.select(t("compare.over"), this.ordered, over, (at) => state.change({ over: at })),
        this.select(t("compare.of"), others, lines, (at) => state.change({ lines: at }), t("compare.everything")),
        element("label", {}, checked, ` ${t("compare.as_shares", { column: column.title })}`),
      ),
      legendOf(series.map((one) => one.name)),
      element("div", { class: "drawing" }, lineChart(caption, names, series, shares)),
      numbersTable(caption, [column.title, ...series.map((one) => one.name)], names.map((name, at) => [name, ...series.map((one) => written(one.values[at]))])),
    );
  }

  /** Lines over the values of a column: of all selected records, or of the most frequent values of another column. */
  seriesOver(over, lines) {
    const { engine, release } = this.app;
    const values = (histogram) => engine.spread(over, histogram).values;
    if (lines === null) return [{ name: t("compare.everything"), values: [...values(engine.histogram(over, engine.rows))] }];
    const { found, wide } = engine.cross(lines, over);
    const { sets, size } = engine.columns[lines];
    const held = Array.from({ length: size }, (_, value) => {
      const histogram = new Float64Array(wide);
      sets.forEach((members, at) => {
        if (!members.includes(value)) return;
        for (let code = 0; code < wide; code += 1) histogram[code] += found[(at + 1) * wide + code];
      });
      return { name: labelOf(release.columns[lines], value), values: [...values(histogram)] };
    });
    const sum = (one) => one.values.reduce((total, value) => total + value, 0);
    return held.sort((a, b) => sum(b) - sum(a)).slice(0, MOST_LINES);
  }

  drawFlow() {
    const { state } = this.app;
    const usual = this.places.filter((at) => !this.app.release.columns[at].many && this.app.release.columns[at].values.length > 1).slice(0, 2);
    const chosen = state.now.flow.length >= 2 ? state.now.flow.slice(0, 4) : usual;
    const holder = document.getElementById("compare-flow");
    const pick = (place) => this.select(
      t("compare.from", { place: place + 1 }),
      this.places,
      chosen[place] ?? null,
      (at) => {
        const next = [...chosen];
        if (at === null) next.splice(place, 1);
        else next[place] = at;
        state.change({ flow: next.filter((one) => one !== undefined) });
      },
      place > 1 ? t("compare.no_column") : null,
    );
    const choices = [0, 1, 2, 3].filter((place) => place <= Math.max(2, chosen.length)).map(pick);
    const parts = [element("p", { class: "controls" }, ...choices)];
    if (chosen.length >= 2) parts.push(...this.flow(chosen));
    holder.replaceChildren(...parts);
  }

  flow(chosen) {
    const nodes = chosen.map((place) => this.nodes(place));
    const bands = chosen.slice(1).map((place, at) => this.bands(chosen[at], place, nodes[at], nodes[at + 1]));
    const say = (from, to, count) => t("compare.band", { from, to, count: told(count) });
    const rows = bands.flatMap((own, at) => own.map(({ from, to, count }) => [`${nodes[at].list[from].name} → ${nodes[at + 1].list[to].name}`, told(count)]));
    const caption = t("compare.flow");
    const drawn = flowChart(caption, nodes.map((one) => one.list), bands, say);
    return [element("div", { class: "drawing" }, drawn), numbersTable(caption, [caption, t("legend.synthetic")], rows)];
  }

  /** The nodes of a column: its most frequent sets of values, all others, and what is absent; and the node of each code. */
  nodes(place) {
    const { engine, release } = this.app;
    const column = release.columns[place];
    const histogram = engine.histogram(place, engine.rows);
    const { sets } = engine.columns[place];
    const codes = sets.map((_, at) => at + 1).sort((a, b) => histogram[b] - histogram[a]).filter((code) => histogram[code] > 0);
    const kept = codes.length > MOST_NODES + 1 ? codes.slice(0, MOST_NODES) : codes;
    if (column.kind === "ordered") kept.sort((a, b) => sets[a - 1][0] - sets[b - 1][0]);
    const list = kept.map((code) => ({ name: sets[code - 1].map((value) => labelOf(column, value)).join(" + "), count: histogram[code], muted: false }));
    const nodeOf = new Map(kept.map((code, at) => [code, at]));
    const rest = codes.filter((code) => !nodeOf.has(code));
    if (rest.length) {
      rest.forEach((code) => nodeOf.set(code, list.length));
      list.push({ name: t("others"), count: rest.reduce((sum, code) => sum + histogram[code], 0), muted: true });
    }
    if (histogram[0] > 0) {
      nodeOf.set(0, list.length);
      list.push({ name: t("absent"), count: histogram[0], muted: true });
    }
    return { list, nodeOf };
  }

  bands(one, other, from, to) {
    const { found, wide } = this.app.engine.cross(one, other);
    const sums = new Map();
    found.forEach((count, at) => {
      if (!count) return;
      const key = from.nodeOf.get(Math.floor(at / wide)) * to.list.length + to.nodeOf.get(at % wide);
      sums.set(key, (sums.get(key) ?? 0) + count);
    });
    const keys = [...sums.keys()].sort((a, b) => a - b);
    return keys.map((key) => ({ from: Math.floor(key / to.list.length), to: key % to.list.length, count: sums.get(key) }));
  }
}
