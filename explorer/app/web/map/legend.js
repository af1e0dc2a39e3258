// The legend: classes with counts that can be switched off and on, or the ramp of a continuous column.

import { count, el, short } from "../common/dom.js";
import { NONE, classes, css, ramp } from "./palette.js";
import { STEPS } from "./points.js";

const memory = new Map(); // column address -> hidden classes, kept while the page lives
const MOST_ROWS = 200; // more classes than this share one last line

export class Legend {
  /** `changed()` is called when classes were switched. */
  constructor(changed) {
    this.changed = changed;
    this.hidden = new Set();
    this.list = el("div", { class: "legend-list", role: "group" });
    this.title = el("h2", {});
    this.all = el("button", { type: "button", class: "quiet", onclick: () => this.isolate(null), hidden: true }, "Show all");
    this.root = el("aside", { class: "legend", "aria-label": "Colours" }, el("header", {}, this.title, this.all), this.list);
  }

  /** Show a column: `{name, kind, names, counts, none, low, high}`, or null for one colour for all. */
  show(column) {
    const same = this.column?.url === column?.url;
    this.column = column;
    this.root.hidden = !column;
    if (!same) this.hidden = remembered(column);
    if (!column) return;
    this.title.textContent = column.name;
    this.list.setAttribute("aria-label", column.name);
    if (column.kind === "continuous") {
      this.list.replaceChildren(this.scale(column));
      this.all.hidden = true;
    } else {
      this.colours = this.classColours(column);
      this.list.replaceChildren(...this.lines(column));
      this.refresh();
    }
  }

  classColours({ names, none }) {
    const found = classes(names.length - (none === null || none === undefined ? 0 : 1));
    let next = 0;
    return names.map((_, code) => (code === none ? NONE : found[next++]));
  }

  lines({ names, counts }) {
    const codes = names.map((_, code) => code);
    if (codes.length > MOST_ROWS) codes.sort((a, b) => counts[b] - counts[a] || a - b);
    const own = codes.slice(0, MOST_ROWS).map((code) => [[code], names[code], counts[code], this.colours[code]]);
    const rest = codes.slice(MOST_ROWS);
    const total = rest.reduce((sum, code) => sum + counts[code], 0);
    if (rest.length) own.push([rest, `${count(rest.length)} smaller ones`, total, NONE]);
    return own.map((line) => this.line(...line));
  }

  line(codes, name, total, colour) {
    const swatch = el("span", { class: "swatch", style: `--swatch: ${css(colour)}` });
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
          this.hide(this.before); // the first click of the two was not meant
          this.isolate(codes);
        },
        onkeydown: (event) => {
          if (event.key !== "Enter" || !event.shiftKey) return;
          event.preventDefault();
          this.isolate(codes);
        },
      },
      swatch,
      el("span", { class: "legend-name" }, name),
      el("span", { class: "legend-count" }, count(total)),
    );
    button.codes = codes;
    return button;
  }

  scale({ low, high, missing }) {
    const stops = ramp(16).map(css).join(", ");
    const bar = el("div", { class: "ramp", style: `background: linear-gradient(to right, ${stops})` });
    const ends = el("div", { class: "ramp-ends" }, el("span", {}, short(low)), el("span", {}, short(high)));
    const none = missing ? el("p", { class: "caption" }, `${count(missing)} without a value, in grey`) : null;
    return el("div", { class: "scale" }, bar, ends, ...(none ? [none] : []));
  }

  toggle(codes) {
    const hide = !this.hidden.has(codes[0]);
    for (const code of codes) {
      if (hide) this.hidden.add(code);
      else this.hidden.delete(code);
    }
    this.refresh();
    this.changed();
  }

  /** Show these codes only; where they are alone already, or null, show all. */
  isolate(codes) {
    const total = this.column.names.length;
    const alone = codes && this.hidden.size === total - codes.length && !codes.some((code) => this.hidden.has(code));
    const all = Array.from({ length: total }, (_, code) => code);
    this.hide(codes && !alone ? all.filter((code) => !codes.includes(code)) : []);
    this.refresh();
    this.changed();
  }

  /** Hide these classes, or all but those. */
  set(hidden, visible) {
    if (!this.column || this.column.kind === "continuous") return;
    const all = this.column.names.map((_, code) => code);
    this.hide(visible ? all.filter((code) => !visible.includes(code)) : (hidden ?? []).filter((code) => code in all));
    this.refresh();
    this.changed();
  }

  /** All classes of the column, by whether they are hidden. */
  switched() {
    const all = (this.column?.names ?? []).map((_, code) => code);
    return { hidden: all.filter((code) => this.hidden.has(code)), visible: all.filter((code) => !this.hidden.has(code)) };
  }

  hide(codes) {
    this.hidden.clear();
    for (const code of codes) this.hidden.add(code);
  }

  refresh() {
    for (const button of this.list.children) button.setAttribute("aria-pressed", String(!this.hidden.has(button.codes[0])));
    this.all.hidden = this.hidden.size === 0;
  }

  /** RGBA bytes per code for the renderer. */
  palette() {
    const colours = this.column?.kind === "continuous" ? [...ramp(STEPS), NONE] : this.column ? this.colours : [NONE];
    return Uint8Array.from(colours.flatMap((rgb, code) => [...rgb, this.hidden.has(code) ? 0 : 255]));
  }

  /** What a shape drawn now must leave out: the column and its classes that are hidden. */
  switchedOff() {
    return this.hidden.size ? { column: this.column.name, hidden: [...this.hidden].sort((a, b) => a - b) } : {};
  }

  colour(code) {
    return this.column && this.column.kind !== "continuous" ? this.colours[code] : null;
  }

  name(code) {
    return this.column && this.column.kind !== "continuous" ? this.column.names[code] : null;
  }
}

function remembered(column) {
  if (!column) return new Set();
  if (!memory.has(column.url)) memory.set(column.url, new Set());
  return memory.get(column.url);
}
