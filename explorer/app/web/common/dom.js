// Small helpers shared by all widgets: elements are built from nodes and text, never from markup.

/** An element with attributes and children; strings become text nodes. `on…` attributes are listeners. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const sheets = new Map();

/** Give a shadow root style sheets, named as they lie below `web/`. */
export async function style(root, ...names) {
  const wanted = ["common/base.css", ...names];
  for (const name of wanted) if (!sheets.has(name)) sheets.set(name, sheet(name));
  root.adoptedStyleSheets = await Promise.all(wanted.map((name) => sheets.get(name)));
}

async function sheet(name) {
  const answer = await fetch(new URL(`../${name}`, import.meta.url));
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  const css = new CSSStyleSheet();
  css.replaceSync(await answer.text());
  return css;
}

/** Fill `{row}` in an address given by the server. */
export const address = (template, row) => template.replace("{row}", String(row));

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** 12345 -> "12 345" with a thin space, as everywhere on the pages. */
export const count = (n) => n.toLocaleString("en").replaceAll(",", "\u202f");

/** One noun, its number in front: 1 patch, 12 patches. */
export const patches = (n) => `${count(n)} ${n === 1 ? "patch" : "patches"}`;

/** A number for people: four significant digits, no trailing zeros. */
export const short = (value) => Number(value.toPrecision(4)).toLocaleString(undefined, { maximumSignificantDigits: 4 });

/** Run `work` once calls have stopped for `wait_ms`; `.cancel()` forgets a pending call. */
export function debounce(work, wait_ms) {
  let timer = 0;
  const later = (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...args), wait_ms);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}
