// Small functions that all widgets share. Elements are built from nodes and text, never from markup.

/** @typedef {string | number | boolean | null | undefined} AttributeValue true: present without a value; false, null, undefined: left out */

/**
 * @typedef {"alt" | "class" | "decoding" | "draggable" | "height" | "hidden" | "inert" | "loading" | "max" | "multiple" | "role" | "src"
 *   | "style" | "tabindex" | "title" | "type" | "value" | "webkitdirectory" | "width"} AttributeName
 */

/** @typedef {{[K in keyof HTMLElementEventMap as `on${K}`]?: (event: HTMLElementEventMap[K]) => void}} Listeners */
/** @typedef {{[name in AttributeName]?: AttributeValue} & {[name: `aria-${string}` | `data-${string}`]: AttributeValue} & Listeners} Attributes */

/**
 * An element with attributes and children. Strings become text nodes, attributes named `on…` are event listeners.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {(Node | string | null)[]} children null is left out
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/**
 * The same for SVG.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string>} attributes
 * @param {Node[]} children
 */
export function svg(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** @type {Map<string, Promise<CSSStyleSheet>>} */
const sheets = new Map();

/**
 * Give a shadow root the shared style sheet and others, named by their path below `web/`.
 * @param {ShadowRoot} root
 * @param {string[]} names
 */
export async function style(root, ...names) {
  root.adoptedStyleSheets = await Promise.all(["common/base.css", ...names].map(sheet));
}

/** @param {string} name */
function sheet(name) {
  const known = sheets.get(name);
  if (known) return known;
  const fetched = fetchSheet(name);
  sheets.set(name, fetched);
  return fetched;
}

/** @param {string} name */
async function fetchSheet(name) {
  const response = await fetch(new URL(`../${name}`, import.meta.url));
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  const css = new CSSStyleSheet();
  css.replaceSync(await response.text());
  return css;
}

/**
 * The URL of a row: `{row}` in a template from the server is replaced.
 * @param {string} template
 * @param {number} row
 */
export const rowUrl = (template, row) => template.replace("{row}", String(row));

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/**
 * A whole number with thin spaces between thousands, as on the pages: 12345 -> "12 345".
 * @param {number} n
 */
export const count = (n) => n.toLocaleString("en").replaceAll(",", "\u202f");

/**
 * "1 patch", "12 patches".
 * @param {number} n
 */
export const patches = (n) => `${count(n)} ${n === 1 ? "patch" : "patches"}`;

/**
 * A number with four significant digits and no trailing zeros.
 * @param {number} value
 */
export const short = (value) => Number(value.toPrecision(4)).toLocaleString(undefined, { maximumSignificantDigits: 4 });

/**
 * Run `work` once calls have stopped for `wait_ms`; `.cancel()` forgets a pending call.
 * @template {unknown[]} Args
 * @param {(...args: Args) => void} work
 * @param {number} wait_ms
 */
export function debounce(work, wait_ms) {
  let timer = 0;
  /** @param {Args} args */
  const later = (...args) => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => work(...args), wait_ms);
  };
  later.cancel = () => window.clearTimeout(timer);
  return later;
}
