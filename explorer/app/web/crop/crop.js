// A region chosen on a picture, with the pointer or the keyboard.

import { clamp, debounce, el, style } from "../common/dom.js";
import { stateSender } from "../common/state.js";

/** @import { Component } from "../common/state.js" */
/** @typedef {[left: number, top: number, right: number, bottom: number]} Box fractions of the picture */
/** @typedef {[x: number, y: number]} Position fractions of the picture */

/**
 * What the Python side sends. State sent back: `box`, a Box or null.
 * @typedef {object} CropData
 * @property {string} picture URL
 * @property {string} alt
 * @property {[width: number, height: number] | null} side_px of the original; null where it is not known
 * @property {Box | null} box null: the whole picture
 */

const SMALLEST = 0.02; // side of a region, as a fraction of the picture's
const KEY_STEP = 0.02;
const KEYS_REST_MS = 250;
/** @type {Box} */
const MIDDLE = [0.25, 0.25, 0.75, 0.75];
/** @type {Record<string, Position>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** @param {Component<CropData>} component */
export async function mount(component) {
  await style(component.parentElement, "crop/crop.css");
  return new Crop(component);
}

class Crop {
  /** @param {Component<CropData>} component */
  constructor(component) {
    this.data = component.data;
    this.sendState = stateSender(component);
    this.box = component.data.box;
    this.image = el("img", { draggable: "false", src: this.data.picture, alt: this.data.alt });
    const corners = ["nw", "ne", "sw", "se"].map((name) => el("i", { class: `corner ${name}`, "data-corner": name }));
    this.frame = el("div", { class: "region", hidden: true }, ...corners);
    this.stage = el(
      "div",
      {
        class: "crop",
        tabindex: "0",
        role: "application",
        "aria-label": "Region of the picture. Arrow keys move it, Shift with arrow keys changes its size, Escape takes the whole picture.",
      },
      this.image,
      this.frame,
    );
    this.caption = el("p", { class: "caption", role: "status" });
    this.whole = el("button", { type: "button", class: "quiet", hidden: true, onclick: () => this.choose(null) }, "Whole picture");
    this.root = el("div", { class: "cropper" }, this.stage, el("div", { class: "crop-line" }, this.caption, this.whole));
    component.parentElement.append(this.root);
    this.sendLater = debounce(() => this.sendState("box", this.box), KEYS_REST_MS);
    this.listen();
    this.show();
    this.root.dataset.ready = "1";
  }

  /** @param {Component<CropData>} component */
  update(component) {
    const { data } = component;
    this.sendState = stateSender(component);
    if (data.picture !== this.data.picture) {
      this.image.src = data.picture;
      this.image.alt = data.alt;
      this.box = data.box;
    } else if (JSON.stringify(data.box) !== JSON.stringify(this.data.box)) this.box = data.box;
    this.data = data;
    this.show();
  }

  /**
   * Where on the picture the pointer is.
   * @param {PointerEvent} event
   * @returns {Position}
   */
  at(event) {
    const frame = this.image.getBoundingClientRect();
    return [clamp((event.clientX - frame.left) / frame.width, 0, 1), clamp((event.clientY - frame.top) / frame.height, 0, 1)];
  }

  listen() {
    const { stage } = this;
    /** @type {{at: Position, box: Box | null, resizing: boolean} | null} */
    let start = null; // where the pointer went down (or the corner that stays), and the box as it was
    stage.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      stage.setPointerCapture(event.pointerId);
      const corner = event.target instanceof HTMLElement ? event.target.dataset.corner : undefined;
      const fixed = corner && this.box ? opposite(this.box, corner) : null;
      start = { at: fixed ?? this.at(event), box: this.box, resizing: fixed !== null };
    });
    stage.addEventListener("pointermove", (event) => {
      if (!start) return;
      const here = this.at(event);
      const moving = start.box !== null && !start.resizing && contains(start.box, start.at);
      this.box = moving && start.box ? shifted(start.box, here[0] - start.at[0], here[1] - start.at[1]) : between(start.at, here);
      this.show();
    });
    stage.addEventListener("pointerup", () => {
      if (!start) return;
      const before = start.box;
      start = null;
      if (this.box && (this.box[2] - this.box[0] < SMALLEST || this.box[3] - this.box[1] < SMALLEST)) this.box = before;
      this.choose(this.box);
    });
    stage.addEventListener("pointercancel", () => {
      this.box = start?.box ?? this.box;
      start = null;
      this.show();
    });
    stage.addEventListener("keydown", (event) => this.key(event));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const arrow = ARROWS[event.key];
    if (event.ctrlKey || event.metaKey || (!arrow && event.key !== "Escape")) return;
    event.preventDefault();
    event.stopPropagation();
    if (!arrow) {
      this.choose(null);
      return;
    }
    const [dx, dy] = [arrow[0] * KEY_STEP, arrow[1] * KEY_STEP];
    const box = this.box ?? MIDDLE;
    this.box = event.shiftKey ? grown(box, dx, dy) : shifted(box, dx, dy);
    this.show();
    this.sendLater();
  }

  /** @param {Box | null} box */
  choose(box) {
    this.sendLater.cancel();
    this.box = box;
    this.show();
    this.sendState("box", box);
  }

  show() {
    const { box } = this;
    this.frame.hidden = !box;
    this.whole.hidden = !box;
    this.caption.textContent = box ? `Region ${this.size(box)}` : "Drag on the picture to search with a part of it.";
    if (!box) return;
    /** @param {number} fraction */
    const percent = (fraction) => `${(100 * fraction).toFixed(3)}%`;
    Object.assign(this.frame.style, {
      left: percent(box[0]),
      top: percent(box[1]),
      width: percent(box[2] - box[0]),
      height: percent(box[3] - box[1]),
    });
  }

  /** @param {Box} box */
  size([left, top, right, bottom]) {
    const [width, height] = this.data.side_px ?? [100, 100];
    const unit = this.data.side_px ? "px" : "% of the picture";
    return `${Math.round((right - left) * width)} × ${Math.round((bottom - top) * height)} ${unit}`;
  }

  destroy() {
    this.sendLater.cancel();
    this.root.remove();
  }
}

/** @type {(a: Position, b: Position) => Box} */
const between = ([ax, ay], [bx, by]) => [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)];

/** @type {(box: Box, at: Position) => boolean} */
const contains = ([left, top, right, bottom], [x, y]) => x > left && x < right && y > top && y < bottom;

/** @type {(box: Box, corner: string) => Position} */
const opposite = ([left, top, right, bottom], corner) => [corner.includes("w") ? right : left, corner.includes("n") ? bottom : top];

/** @type {(box: Box, dx: number, dy: number) => Box} */
function shifted([left, top, right, bottom], dx, dy) {
  const x = clamp(dx, -left, 1 - right);
  const y = clamp(dy, -top, 1 - bottom);
  return [left + x, top + y, right + x, bottom + y];
}

/** @type {(box: Box, dx: number, dy: number) => Box} */
function grown([left, top, right, bottom], dx, dy) {
  return [left, top, clamp(right + dx, left + SMALLEST, 1), clamp(bottom + dy, top + SMALLEST, 1)];
}
