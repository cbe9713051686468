/**
 * Counts records under a selection, and looks up published counts.
 *
 * A selection is a Map from places of columns to Sets of places of values: of one column any of its values, of all
 * columns together. A bar of a column is counted under the selection of all other columns.
 */
class Engine {
  constructor(release) {
    const { arrays } = release;
    this.longest = release.longest;
    this.size = arrays.weights.length;
    this.weights = arrays.weights.every((weight) => weight === 1) ? null : arrays.weights;
    this.columns = release.columns.map((column, at) => ({
      codes: arrays[`c${at}`],
      sets: column.sets.map((members) => (Array.isArray(members) ? members : [members])),
      size: column.values.length,
      many: column.many,
    }));
    this.starts = [];
    release.columns.reduce((start, column, at) => {
      this.starts[at] = start;
      return start + column.values.length;
    }, 0);
    this.published = new Map(release.lengths.map((length) => [length, this.counted(arrays, length)]));
    this.misses = new Uint8Array(this.size);
    this.full = new Map();
    this.select(new Map());
  }

  counted(arrays, length) {
    const places = Array.from({ length }, (_, place) => arrays[`a${length}_${place}`]);
    const figures = [0, 1, 2].map((figure) => arrays[`n${length}_${figure}`]).filter(Boolean);
    return { places, figures, size: figures[0].length };
  }

  /** Take over a selection: afterwards counts are under it. */
  select(selection) {
    this.selection = selection;
    this.fails = new Map();
    this.misses.fill(0);
    for (const [column, chosen] of selection) {
      const { codes, sets } = this.columns[column];
      const fails = new Uint8Array(sets.length + 1).fill(1);
      sets.forEach((members, at) => {
        if (members.some((value) => chosen.has(value))) fails[at + 1] = 0;
      });
      this.fails.set(column, fails);
      const { misses, size } = this;
      for (let row = 0; row < size; row += 1) misses[row] += fails[codes[row]];
    }
    this.rows = selection.size ? this.matching() : null;
    this.total = this.weightOf(this.rows);
  }

  /** Places of the rows that match the selection. */
  matching() {
    const { misses, size } = this;
    const found = new Uint32Array(size);
    let number = 0;
    for (let row = 0; row < size; row += 1) {
      found[number] = row;
      number += misses[row] === 0 ? 1 : 0;
    }
    return found.subarray(0, number);
  }

  weightOf(rows) {
    if (rows === null) {
      if (this.all === undefined) this.all = this.weights ? this.weights.reduce((sum, one) => sum + one, 0) : this.size;
      return this.all;
    }
    if (!this.weights) return rows.length;
    let sum = 0;
    for (let at = 0; at < rows.length; at += 1) sum += this.weights[rows[at]];
    return sum;
  }

  /** Of a column: selected records that hold each value, and how many hold any; its own selection left out. */
  count(column) {
    if (!this.selection.size) return this.everything(column);
    const own = this.fails.get(column);
    return this.spread(column, own ? this.histogramBut(column, own) : this.histogram(column, this.rows));
  }

  /** The same of all records, whatever is selected. */
  everything(column) {
    if (!this.full.has(column)) this.full.set(column, this.spread(column, this.histogram(column, null)));
    return this.full.get(column);
  }

  histogram(column, rows) {
    const { codes, sets } = this.columns[column];
    const found = new Float64Array(sets.length + 1);
    const { weights, size } = this;
    if (rows !== null && weights) for (let at = 0; at < rows.length; at += 1) found[codes[rows[at]]] += weights[rows[at]];
    else if (rows !== null) for (let at = 0; at < rows.length; at += 1) found[codes[rows[at]]] += 1;
    else if (weights) for (let row = 0; row < size; row += 1) found[codes[row]] += weights[row];
    else for (let row = 0; row < size; row += 1) found[codes[row]] += 1;
    return found;
  }

  /** Codes of the rows that match all but the selection of this column. */
  histogramBut(column, fails) {
    const { codes, sets } = this.columns[column];
    const found = new Float64Array(sets.length + 1);
    const { weights, misses, size } = this;
    for (let row = 0; row < size; row += 1) {
      const code = codes[row];
      if (misses[row] === fails[code]) found[code] += weights ? weights[row] : 1;
    }
    return found;
  }

  spread(column, histogram) {
    const { sets, size } = this.columns[column];
    const values = new Float64Array(size);
    let held = 0;
    sets.forEach((members, at) => {
      const number = histogram[at + 1];
      held += number;
      for (const value of members) values[value] += number;
    });
    return { values, held, all: held + histogram[0] };
  }

  /** Of two columns: selected records by code of the one and code of the other, row after row. */
  cross(one, other) {
    const [a, b] = [this.columns[one], this.columns[other]];
    const wide = b.sets.length + 1;
    const found = new Float64Array((a.sets.length + 1) * wide);
    const { rows, weights } = this;
    const number = rows === null ? this.size : rows.length;
    for (let at = 0; at < number; at += 1) {
      const row = rows === null ? at : rows[at];
      found[a.codes[row] * wide + b.codes[row]] += weights ? weights[row] : 1;
    }
    return { found, wide };
  }

  /** The published count of a value together with the selection of the other columns; null if there is none. */
  reported(column, value) {
    return this.sumOver([...this.selection].filter(([own]) => own !== column), [this.starts[column] + value]);
  }

  /** The published count of the selection itself; null if there is none. */
  reportedSelection() {
    return this.selection.size ? this.sumOver([...this.selection], []) : null;
  }

  /** Sum over the alternatives of columns with one value a record: they exclude each other. */
  sumOver(others, fixed) {
    if (others.length + fixed.length > this.longest) return null;
    if (others.some(([column, chosen]) => chosen.size > 1 && this.columns[column].many)) return null;
    if (others.reduce((product, [, chosen]) => product * chosen.size, 1) > 256) return null;
    let combinations = [fixed];
    for (const [column, chosen] of others) {
      const attributes = [...chosen].map((value) => this.starts[column] + value);
      combinations = combinations.flatMap((one) => attributes.map((attribute) => [...one, attribute]));
    }
    const sum = [0, 0, 0];
    for (const combination of combinations) {
      const found = this.lookUp(combination);
      if (found === null) return null;
      found.forEach((figure, at) => (sum[at] += figure));
    }
    return this.published.get(1).figures.length > 1
      ? { count: sum[0], low: sum[1], high: sum[2] }
      : { count: sum[0], low: null, high: null };
  }

  /** The figures of a combination of attributes; null if it was not published. */
  lookUp(combination) {
    const wanted = [...combination].sort((a, b) => a - b);
    const own = this.published.get(wanted.length);
    if (!own) return null;
    let [low, high] = [0, own.size];
    while (low < high) {
      const middle = (low + high) >>> 1;
      let difference = 0;
      for (let place = 0; place < wanted.length && difference === 0; place += 1) {
        difference = own.places[place][middle] - wanted[place];
      }
      if (difference === 0) return own.figures.map((figure) => figure[middle]);
      if (difference < 0) low = middle + 1;
      else high = middle;
    }
    return null;
  }

  /**
   * Rows of the selected records from ``first`` on, a row for each copy, in an order that mixes them: rows lie beside
   * their likes, so every next one is about .618 of all rows away.
   */
  slice(first, number) {
    const found = [];
    const { rows, weights } = this;
    const size = rows === null ? this.size : rows.length;
    const step = coprime(size);
    let before = 0;
    for (let at = 0; at < size && found.length < number; at += 1) {
      const place = (at * step) % size;
      const row = rows === null ? place : rows[place];
      const copies = weights ? weights[row] : 1;
      for (let copy = Math.max(0, first - before); copy < copies && found.length < number; copy += 1) found.push(row);
      before += copies;
    }
    return found;
  }
}

/** A number near .618 of a size that has no divisor in common with it. */
function coprime(size) {
  const divisor = (a, b) => (b ? divisor(b, a % b) : a);
  let step = Math.max(1, Math.floor(size * 0.618));
  while (divisor(step, size) > 1) step += 1;
  return step;
}
