// The line of buttons above the map and the status line below it.

import { el } from "../common/dom.js";

/** @import { Actions, Tool } from "./actions.js" */
/** @import { Attributes } from "../common/dom.js" */

/** @type {[name: Tool, text: string, title: string][]} */
const TOOLS = [
  ["pan", "Move", "Drag to move the map (P)"],
  ["lasso", "Lasso", "Draw around patches (L). Shift adds to the selection, Alt takes away."],
  ["box", "Box", "Drag a box over patches (B). Shift adds to the selection, Alt takes away."],
];

export class Toolbar {
  /** @param {Actions} actions */
  constructor(actions) {
    this.tools = new Map(TOOLS.map(([name, text, title]) => [name, button(text, title, () => actions.setTool(name))]));
    this.pictures = button("Pictures", "Show patches on the map (T)", () => actions.togglePictures());
    this.density = button("Density", "Shade by how many patches lie on one another (D)", () => actions.toggleDensity());
    this.clear = button("Clear selection", "Select nothing (Escape)", () => actions.clear(), { class: "quiet", hidden: true });
    this.root = el(
      "div",
      { class: "toolbar", role: "toolbar", "aria-label": "Map" },
      el("div", { class: "segment", role: "group", "aria-label": "What dragging does" }, ...this.tools.values()),
      el(
        "div",
        { class: "segment", role: "group", "aria-label": "Zoom" },
        button("−", "Zoom out (−)", () => actions.zoom(1 / 1.4), { "aria-label": "Zoom out" }),
        button("+", "Zoom in (+)", () => actions.zoom(1.4), { "aria-label": "Zoom in" }),
        button("Fit", "Show all patches (R)", () => actions.fit()),
      ),
      el("div", { class: "segment", role: "group", "aria-label": "Look" }, this.pictures, this.density),
      this.clear,
    );
  }

  /** @param {{tool: Tool, picturesOn: boolean, shaded: boolean, selecting: boolean}} state */
  update({ tool, picturesOn, shaded, selecting }) {
    for (const [name, button] of this.tools) button.setAttribute("aria-pressed", String(name === tool));
    this.pictures.setAttribute("aria-pressed", String(picturesOn));
    this.density.setAttribute("aria-pressed", String(shaded));
    this.clear.hidden = !selecting;
  }
}

/**
 * @param {string} text
 * @param {string} title
 * @param {() => void} onclick
 * @param {Attributes} extra
 */
const button = (text, title, onclick, extra = {}) => el("button", { type: "button", title, onclick, ...extra }, text);

const KEYS = [
  ["Arrows", "move"],
  ["+ −", "zoom"],
  ["R", "show all"],
  ["N", "next patch (Shift: the one before)"],
  ["Enter", "choose it"],
  ["S", "select what is in view"],
  ["L, B", "lasso, box"],
  ["Shift, Alt", "add to the selection, take away"],
  ["T, D", "pictures, density"],
  ["Esc", "clear"],
];

export class StatusLine {
  constructor() {
    this.text = el("span", { class: "status-text" });
    this.note = el("span", { class: "caption" });
    const list = el("dl", {}, ...KEYS.flatMap(([key, what]) => [el("dt", {}, key), el("dd", {}, what)]));
    const keys = el("details", { class: "keys" }, el("summary", {}, "Keys"), list);
    this.root = el("div", { class: "status" }, this.text, this.note, keys);
    this.announcer = el("div", { class: "for-readers", role: "status", "aria-live": "polite" });
  }

  /**
   * @param {string} text
   * @param {string} note
   */
  show(text, note) {
    this.text.textContent = text;
    this.note.textContent = note;
  }

  /**
   * Have a screen reader say it.
   * @param {string} text
   */
  say(text) {
    this.announcer.textContent = text;
  }
}
