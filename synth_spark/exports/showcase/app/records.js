const ROWS = 25;
/** How a text begins that a spreadsheet would run: an apostrophe is put before it, as `exports/spreadsheets.py` does. */
const FORMULA = /^'* *[=+\-@＝＋－＠\t\r\n]/;

/** The page of records: a table of those that are selected, and their download. */
class Records {
  constructor(app) {
    this.app = app;
    this.first = 0;
    document.getElementById("download").addEventListener("click", () => this.download());
    for (const [name, step] of [["first", -Infinity], ["back", -ROWS], ["next", ROWS], ["last", Infinity]]) {
      document.getElementById(`data-${name}`).addEventListener("click", () => this.turn(step));
    }
  }

  update(changed) {
    if (changed) this.first = 0;
    if (this.app.state.now.page === "data") this.draw();
  }

  turn(step) {
    const last = Math.max(0, Math.floor((this.app.engine.total - 1) / ROWS) * ROWS);
    this.first = Math.min(last, Math.max(0, this.first + step));
    this.draw();
  }

  /** The cell of a record as it is published: values of a column with several are joined as they came. */
  cell(place, row) {
    const column = this.app.release.columns[place];
    const { codes, sets } = this.app.engine.columns[place];
    const code = codes[row];
    return code ? sets[code - 1].map((value) => column.values[value]).join(column.delimiter ?? ";") : "";
  }

  draw() {
    const { engine, release } = this.app;
    const rows = engine.slice(this.first, ROWS);
    const head = release.columns.map((column) => element("th", { scope: "col", title: column.name }, column.title));
    const body = rows.map((row) => element("tr", {}, ...release.columns.map((_, place) => element("td", {}, this.cell(place, row)))));
    document.getElementById("records").replaceChildren(element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body));
    const last = this.first + rows.length;
    const said = rows.length ? t("data.shown", { from: told(this.first + 1), to: told(last), all: told(engine.total) }) : t("data.none");
    document.getElementById("data-shown").textContent = said;
    for (const name of ["first", "back"]) document.getElementById(`data-${name}`).disabled = this.first === 0;
    for (const name of ["next", "last"]) document.getElementById(`data-${name}`).disabled = last >= engine.total;
    document.getElementById("download").disabled = !rows.length;
  }

  /** The selected records as CSV (RFC 4180) that no spreadsheet runs, in parts, so that no text gets too long. */
  csv() {
    const { engine, release } = this.app;
    const inert = (text) => (FORMULA.test(text) ? `'${text}` : text);
    const quoted = (text) => (/[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const cells = release.columns.map((column, place) => {
      const { sets } = engine.columns[place];
      return ["", ...sets.map((members) => quoted(inert(members.map((value) => column.values[value]).join(column.delimiter ?? ";"))))];
    });
    const parts = [`${release.columns.map((column) => quoted(inert(column.name))).join(",")}\r\n`];
    const number = engine.rows === null ? engine.size : engine.rows.length;
    let lines = [];
    for (let at = 0; at < number; at += 1) {
      const row = engine.rows === null ? at : engine.rows[at];
      const line = `${cells.map((texts, place) => texts[engine.columns[place].codes[row]]).join(",")}\r\n`;
      lines.push(line.repeat(engine.weights ? engine.weights[row] : 1));
      if (lines.length === 10000) {
        parts.push(lines.join(""));
        lines = [];
      }
    }
    return [...parts, lines.join("")];
  }

  download() {
    const address = URL.createObjectURL(new Blob(["\ufeff", ...this.csv()], { type: "text/csv;charset=utf-8" }));
    const link = element("a", { href: address, download: "synthetic_records.csv" });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }
}
