// The legend: classes with counts that can be switched off and on, or the ramp of a continuous column.

import { count, el, short } from "../common/dom.js";
import { STEPS } from "./columns.js";
import { NONE, classes, css, ramp } from "./palette.js";

/** @import { ClassColumn, Column, ValueColumn } from "./columns.js" */
/** @import { RGB } from "./palette.js" */

/** @type {Map<string, Set<number>>} */
const hiddenByUrl = new Map(); // URL of a column -> its hidden classes, as long as the page is open
const MOST_ROWS = 200; // more classes than this share one last line

export class Legend {
  /** @param {() => void} changed called when classes were switched off or on */
  constructor(changed) {
    this.changed = changed;
    /** @type {Column | null} */
    this.column = null; // null: one colour for all
    /** @type {RGB[]} */
    this.colours = []; // of the classes
    /** @type {Set<number>} */
    this.hidden = new Set();
    /** @type {number[]} */
    this.before = []; // hidden classes before the last click
    /** @type {{codes: number[], button: HTMLElement}[]} */
    this.lines = [];
    this.list = el("div", { class: "legend-list", role: "group" });
    this.title = el("h2", {});
    this.all = el("button", { type: "button", class: "quiet", onclick: () => this.isolate(null), hidden: true }, "Show all");
    this.root = el("aside", { class: "legend", "aria-label": "Colours" }, el("header", {}, this.title, this.all), this.list);
  }

  /** The column, where it is shown as classes. */
  get classColumn() {
    return this.column?.kind === "classes" ? this.column : null;
  }

  /** @param {Column | null} column */
  show(column) {
    const same = this.column?.url === column?.url;
    this.column = column;
    this.root.hidden = !column;
    if (!same) this.hidden = hiddenClasses(column);
    this.lines = [];
    this.colours = [];
    if (!column) return;
    this.title.textContent = column.name;
    this.list.setAttribute("aria-label", column.name);
    if (column.kind === "continuous") {
      this.list.replaceChildren(scale(column));
      this.all.hidden = true;
    } else {
      this.colours = classColours(column);
      this.lines = this.classLines(column);
      this.list.replaceChildren(...this.lines.map(({ button }) => button));
      this.refresh();
    }
  }

  /** @param {ClassColumn} column */
  classLines({ names, counts }) {
    const codes = names.map((_, code) => code);
    if (codes.length > MOST_ROWS) codes.sort((a, b) => counts[b] - counts[a] || a - b);
    const lines = codes.slice(0, MOST_ROWS).map((code) => this.line([code], names[code], counts[code], this.colours[code]));
    const rest = codes.slice(MOST_ROWS);
    const total = rest.reduce((sum, code) => sum + counts[code], 0);
    if (rest.length) lines.push(this.line(rest, `${count(rest.length)} smaller ones`, total, NONE));
    return lines;
  }

  /**
   * @param {number[]} codes classes that this line switches
   * @param {string} name
   * @param {number} total patches
   * @param {RGB} colour
   */
  line(codes, name, total, colour) {
    const button = el(
      "button",
      {
        type: "button",
        class: "legend-line",
        title: `${name}\nClick: hide or show. Double click, or Shift+Enter: only this one.`,
        onclick: (event) => {
          if (event.detail > 1) return; // the second click of a double click
          this.before = [...this.hidden];
          this.toggle(codes);
        },
        ondblclick: () => {
          this.hide(this.before); // undo the first click of the two
          this.isolate(codes);
        },
        onkeydown: (event) => {
          if (event.key !== "Enter" || !event.shiftKey) return;
          event.preventDefault();
          this.isolate(codes);
        },
      },
      el("span", { class: "swatch", style: `--swatch: ${css(colour)}` }),
      el("span", { class: "legend-name" }, name),
      el("span", { class: "legend-count" }, count(total)),
    );
    return { codes, button };
  }

  /** @param {number[]} codes */
  toggle(codes) {
    const hide = !this.hidden.has(codes[0]);
    for (const code of codes) {
      if (hide) this.hidden.add(code);
      else this.hidden.delete(code);
    }
    this.refresh();
    this.changed();
  }

  /**
   * Show these classes only; where they are alone already, or for null, show all.
   * @param {number[] | null} codes
   */
  isolate(codes) {
    const all = this.allCodes();
    const alone = codes && this.hidden.size === all.length - codes.length && !codes.some((code) => this.hidden.has(code));
    this.hide(codes && !alone ? all.filter((code) => !codes.includes(code)) : []);
    this.refresh();
    this.changed();
  }

  /**
   * Hide these classes, or all but the visible ones where those are given.
   * @param {number[] | null} hidden
   * @param {number[] | null} visible
   */
  set(hidden, visible) {
    if (!this.classColumn) return;
    const all = this.allCodes();
    this.hide(visible ? all.filter((code) => !visible.includes(code)) : (hidden ?? []).filter((code) => code in all));
    this.refresh();
    this.changed();
  }

  /** All classes of the column, by whether they are hidden. */
  switched() {
    const all = this.allCodes();
    return { hidden: all.filter((code) => this.hidden.has(code)), visible: all.filter((code) => !this.hidden.has(code)) };
  }

  allCodes() {
    return (this.classColumn?.names ?? []).map((_, code) => code);
  }

  /** @param {number[]} codes */
  hide(codes) {
    this.hidden.clear();
    for (const code of codes) this.hidden.add(code);
  }

  refresh() {
    for (const { codes, button } of this.lines) button.setAttribute("aria-pressed", String(!this.hidden.has(codes[0])));
    this.all.hidden = this.hidden.size === 0;
  }

  /** RGBA bytes per code for the renderer. */
  palette() {
    const colours = this.column?.kind === "continuous" ? [...ramp(STEPS), NONE] : this.column ? this.colours : [NONE];
    return Uint8Array.from(colours.flatMap((rgb, code) => [...rgb, this.hidden.has(code) ? 0 : 255]));
  }

  /** What a shape drawn now must leave out: the column and its classes that are hidden. */
  switchedOff() {
    return this.column && this.hidden.size ? { column: this.column.name, hidden: [...this.hidden].sort((a, b) => a - b) } : {};
  }

  /** @param {number} code */
  colour(code) {
    return this.classColumn ? this.colours[code] : null;
  }

  /** @param {number} code */
  name(code) {
    return this.classColumn?.names[code] ?? "";
  }
}

/** @param {Column | null} column */
function hiddenClasses(column) {
  /** @type {Set<number>} */
  const hidden = (column && hiddenByUrl.get(column.url)) ?? new Set();
  if (column) hiddenByUrl.set(column.url, hidden);
  return hidden;
}

/** @param {ClassColumn} column */
function classColours({ names, none }) {
  const colours = classes(names.length - (none === null ? 0 : 1));
  if (none !== null) colours.splice(none, 0, NONE);
  return colours;
}

/** @param {ValueColumn} column */
function scale({ low, high, missing }) {
  const stops = ramp(16).map(css).join(", ");
  const bar = el("div", { class: "ramp", style: `background: linear-gradient(to right, ${stops})` });
  const ends = el("div", { class: "ramp-ends" }, el("span", {}, short(low)), el("span", {}, short(high)));
  const none = missing ? el("p", { class: "caption" }, `${count(missing)} without a value, in grey`) : null;
  return el("div", { class: "scale" }, bar, ends, none);
}
