const REGIONS = new Intl.DisplayNames([TEXTS.locale], { type: "region", fallback: "none" });

/** What is shown for a value of a column: its label, the name of its country, or the value itself. */
function labelOf(column, value) {
  const label = column.labels[value] ?? (column.codes?.[value] && REGIONS.of(column.codes[value]));
  return label || column.values[value];
}

/** What is shown for a bar: of a flag in a chart of several columns, the title of its column. */
function barName(release, chart, column, value) {
  const own = release.columns[column];
  if (chart.column !== null) return labelOf(own, value);
  return own.values.length === 1 && !own.labels[value] ? own.title : `${own.title}: ${labelOf(own, value)}`;
}

/** Round numbers from 0 to a little above the largest. */
function ticksTo(largest) {
  const rough = Math.max(largest, 1e-9) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough);
  return Array.from({ length: Math.ceil(largest / step - 1e-9) + 1 }, (_, at) => at * step);
}

/** Lines over ordered categories: series are {name, values}. */
function lineChart(caption, categories, series, inShare) {
  const [wide, high, left, top, bottom] = [880, 340, 64, 16, 44];
  const largest = Math.max(1e-9, ...series.flatMap((one) => one.values));
  const ticks = ticksTo(largest);
  const last = ticks[ticks.length - 1];
  const written = (value) => (inShare ? inShares.format(value) : told(value));
  const x = (at) => left + ((at + 0.5) * (wide - left - 16)) / categories.length;
  const y = (value) => high - bottom - (value / last) * (high - bottom - top);
  const drawn = element("svg", { viewBox: `0 0 ${wide} ${high}`, class: "lines", role: "img", "aria-label": caption });
  for (const tick of ticks) {
    drawn.append(
      element("line", { x1: left, x2: wide - 8, y1: y(tick), y2: y(tick), class: tick === 0 ? "zero" : "rule" }),
      element("text", { x: left - 8, y: y(tick) + 4, "text-anchor": "end", class: "tick" }, written(tick)),
    );
  }
  const slot = (wide - left - 16) / categories.length;
  const every = Math.max(1, Math.ceil((Math.max(...categories.map((name) => Math.min(name.length, 14))) * 7 + 12) / slot));
  categories.forEach((name, at) => {
    if (at % every) return;
    const short = name.length > 14 ? `${name.slice(0, 13)}…` : name;
    drawn.append(element("text", { x: x(at), y: high - bottom + 20, "text-anchor": "middle", class: "tick" }, short));
  });
  series.forEach((one, number) => {
    const points = one.values.map((value, at) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
    drawn.append(element("polyline", { points, class: `stroke k${number}` }));
    one.values.forEach((value, at) => {
      const dot = element("circle", { cx: x(at), cy: y(value), r: 4, class: `fill k${number}` });
      dot.append(element("title", {}, `${one.name}, ${categories[at]}: ${written(value)}`));
      drawn.append(dot);
    });
  });
  return drawn;
}

/** Which colour is which. */
function legendOf(names) {
  const keys = names.map((name, number) => element("li", {}, element("span", { class: `key k${number}` }), name));
  return element("ul", { class: "legend" }, ...keys);
}

/**
 * Columns of nodes and bands between neighbours.
 *
 * nodes: a list a column of {name, count, muted}; bands: a list for each pair of neighbours of {from, to, count}.
 */
function flowChart(caption, nodes, bands, say) {
  const [wide, high, thick, gap] = [980, 440, 14, 8];
  const drawn = element("svg", { viewBox: `0 0 ${wide} ${high}`, class: "flow", role: "img", "aria-label": caption });
  const total = Math.max(1, ...nodes.map((column) => column.reduce((sum, node) => sum + node.count, 0)));
  const most = Math.max(...nodes.map((column) => column.length));
  const scale = (high - 24 - gap * (most - 1)) / total;
  const place = (at) => 8 + (at * (wide - 16 - thick)) / (nodes.length - 1);
  const tops = nodes.map((column) => {
    let top = 12;
    return column.map((node) => {
      const own = top;
      top += node.count * scale + gap;
      return own;
    });
  });
  bands.forEach((own, at) => {
    const used = [nodes[at].map(() => 0), nodes[at + 1].map(() => 0)];
    for (const { from, to, count } of own) {
      const size = count * scale;
      const [a, b] = [tops[at][from] + used[0][from], tops[at + 1][to] + used[1][to]];
      used[0][from] += size;
      used[1][to] += size;
      const [x1, x2] = [place(at) + thick, place(at + 1)];
      const middle = (x1 + x2) / 2;
      const path = `M${x1},${a} C${middle},${a} ${middle},${b} ${x2},${b} V${b + size} C${middle},${b + size} ${middle},${a + size} ${x1},${a + size} Z`;
      const band = element("path", { d: path, class: `band k${from % 6}` });
      band.append(element("title", {}, say(nodes[at][from].name, nodes[at + 1][to].name, count)));
      drawn.append(band);
    }
  });
  nodes.forEach((column, at) => {
    const last = at === nodes.length - 1;
    column.forEach((node, own) => {
      const size = Math.max(1, node.count * scale);
      const top = tops[at][own];
      drawn.append(element("rect", { x: place(at), y: top, width: thick, height: size, class: node.muted ? "muted" : "node" }));
      if (size < 9) return;
      const x = last ? place(at) - 6 : place(at) + thick + 6;
      const name = node.name.length > 26 ? `${node.name.slice(0, 25)}…` : node.name;
      const label = element("text", { x, y: top + size / 2 + 4, "text-anchor": last ? "end" : "start" }, `${name} · ${told(node.count)}`);
      label.append(element("title", {}, node.name));
      drawn.append(label);
    });
  });
  return drawn;
}

/** Numbers behind a chart, for those who rather read, or cannot see it. */
function numbersTable(caption, heads, rows) {
  const cell = (text, at) => element("td", { class: at ? "number" : "text" }, text);
  const head = (text, at) => element("th", { scope: "col", class: at ? "number" : "text" }, text);
  return element(
    "details",
    {},
    element("summary", {}, t("compare.numbers")),
    element(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
      element(
        "table",
        {},
        element("thead", {}, element("tr", {}, ...heads.map(head))),
        element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map(cell)))),
      ),
    ),
  );
}
