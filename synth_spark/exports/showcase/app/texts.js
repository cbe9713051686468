/** A text of the page, with its gaps filled in. */
function t(key, gaps = {}) {
  return TEXTS[key].replace(/\{(\w+)\}/g, (whole, name) => (name in gaps ? gaps[name] : whole));
}

const inNumbers = new Intl.NumberFormat(TEXTS.locale);
const inShares = new Intl.NumberFormat(TEXTS.locale, { style: "percent", maximumFractionDigits: 1 });

/** A count as people write it. */
const told = (count) => inNumbers.format(count);

/** An element with properties, classes and children; every text becomes a text node, so values are never markup. */
function element(name, properties = {}, ...children) {
  const svg = ["svg", "g", "path", "rect", "line", "circle", "text", "title", "polyline"].includes(name);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}
