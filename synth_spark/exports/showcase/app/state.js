/** What is looked at. All of it stands in the address after the #, so that a view can be shared. */
class State {
  constructor(release, onchange) {
    this.release = release;
    this.onchange = onchange;
    this.past = [];
    this.future = [];
    this.places = new Map(release.columns.map((column, at) => [column.name, at]));
    this.now = this.read(location.hash);
    addEventListener("hashchange", () => {
      if (location.hash.slice(1) === this.write()) return;
      this.now = this.read(location.hash);
      this.onchange();
    });
  }

  /** Change what is looked at; selections can be undone. */
  change(changes) {
    if ("selection" in changes) {
      this.past.push(this.now.selection);
      this.future = [];
    }
    this.set(changes);
  }

  set(changes) {
    this.now = { ...this.now, ...changes };
    history.replaceState(null, "", `#${this.write()}`);
    this.onchange();
  }

  undo() {
    if (!this.past.length) return;
    this.future.push(this.now.selection);
    this.set({ selection: this.past.pop() });
  }

  redo() {
    if (!this.future.length) return;
    this.past.push(this.now.selection);
    this.set({ selection: this.future.pop() });
  }

  /** Select a value, or no longer. */
  toggle(column, value) {
    const selection = new Map([...this.now.selection].map(([own, chosen]) => [own, new Set(chosen)]));
    const chosen = selection.get(column) ?? new Set();
    if (!chosen.delete(value)) chosen.add(value);
    if (chosen.size) selection.set(column, chosen);
    else selection.delete(column);
    this.change({ selection });
  }

  read(hash) {
    const found = new URLSearchParams(hash.slice(1));
    const selection = new Map();
    for (const [key, text] of found) {
      const column = key.startsWith("is.") ? this.places.get(key.slice(3)) : undefined;
      const value = column === undefined ? -1 : this.release.columns[column].values.indexOf(text);
      if (value >= 0) selection.set(column, (selection.get(column) ?? new Set()).add(value));
    }
    const page = found.get("page");
    const columns = (key) => found.getAll(key).map((name) => this.places.get(name)).filter((at) => at !== undefined);
    return {
      page: PAGES.includes(page) ? page : "explore",
      selection,
      view: Object.hasOwn(this.release.pages, found.get("view") ?? "") ? found.get("view") : "",
      hidden: new Set(found.getAll("hide")),
      compared: columns("compare")[0] ?? null,
      over: columns("over")[0] ?? null,
      lines: columns("lines")[0] ?? null,
      shares: found.get("shares") === "1",
      flow: columns("flow"),
    };
  }

  write() {
    const told = new URLSearchParams();
    const { now } = this;
    const name = (at) => this.release.columns[at].name;
    told.set("page", now.page);
    for (const [column, chosen] of now.selection) {
      for (const value of chosen) told.append(`is.${name(column)}`, this.release.columns[column].values[value]);
    }
    if (now.view) told.set("view", now.view);
    for (const chart of now.hidden) told.append("hide", chart);
    for (const [key, at] of [["compare", now.compared], ["over", now.over], ["lines", now.lines]]) {
      if (at !== null) told.set(key, name(at));
    }
    if (now.shares) told.set("shares", "1");
    for (const at of now.flow) told.append("flow", name(at));
    return told.toString();
  }
}

const PAGES = ["explore", "compare", "trust", "data"];
