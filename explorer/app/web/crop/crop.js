// A region chosen on a picture, with the pointer or the keyboard.
//
// data:  picture (address), alt, side_px [width, height] of the original or null, box [left, top, right, bottom] or null
// state: box (fractions of the picture) or null

import { clamp, debounce, el, style } from "../common/dom.js";
import { teller } from "../common/state.js";

const SMALLEST = 0.02;
const KEY_STEP = 0.02;
const KEYS_REST_MS = 250;
const MIDDLE = [0.25, 0.25, 0.75, 0.75];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export async function mount(component) {
  await style(component.parentElement, "crop/crop.css");
  const crop = new Crop(component.parentElement);
  crop.update(component);
  return crop;
}

class Crop {
  constructor(root) {
    this.image = el("img", { draggable: "false" });
    this.corners = ["nw", "ne", "sw", "se"].map((name) => el("i", { class: `corner ${name}`, "data-corner": name }));
    this.box = null;
    this.frame = el("div", { class: "region", hidden: true }, ...this.corners);
    this.stage = el("div", {
      class: "crop",
      tabindex: "0",
      role: "application",
      "aria-label": "Region of the picture. Arrow keys move it, Shift with arrow keys changes its size, Escape takes the whole picture.",
    });
    this.stage.append(this.image, this.frame);
    this.words = el("p", { class: "caption", role: "status" });
    this.whole = el("button", { type: "button", class: "quiet", hidden: true, onclick: () => this.choose(null) }, "Whole picture");
    this.root = el("div", { class: "cropper" }, this.stage, el("div", { class: "crop-line" }, this.words, this.whole));
    root.append(this.root);
    this.later = debounce(() => this.tell("box", this.box), KEYS_REST_MS);
    this.listen();
  }

  update(component) {
    const { data } = component;
    this.tell = teller(component);
    if (data.picture !== this.data?.picture) {
      this.image.src = data.picture;
      this.image.alt = data.alt;
      this.box = data.box;
    } else if (JSON.stringify(data.box) !== JSON.stringify(this.data.box)) this.box = data.box;
    this.data = data;
    this.show();
    this.root.dataset.ready = "1";
  }

  listen() {
    const { stage } = this;
    let start = null; // where the pointer went down, and the box as it was
    const at = (event) => {
      const frame = this.image.getBoundingClientRect();
      return [clamp((event.clientX - frame.left) / frame.width, 0, 1), clamp((event.clientY - frame.top) / frame.height, 0, 1)];
    };
    stage.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      stage.setPointerCapture(event.pointerId);
      start = { at: at(event), box: this.box, corner: event.target.dataset.corner };
      if (start.corner) start.at = opposite(this.box, start.corner);
    });
    stage.addEventListener("pointermove", (event) => {
      if (!start) return;
      const here = at(event);
      const inside = start.box && !start.corner && contains(start.box, start.at);
      this.box = inside ? shifted(start.box, here[0] - start.at[0], here[1] - start.at[1]) : between(start.at, here);
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

  key(event) {
    const arrow = ARROWS[event.key];
    if (event.ctrlKey || event.metaKey || (!arrow && event.key !== "Escape")) return;
    event.preventDefault();
    event.stopPropagation();
    if (!arrow) return this.choose(null);
    const [dx, dy] = arrow.map((way) => way * KEY_STEP);
    const box = this.box ?? MIDDLE;
    this.box = event.shiftKey
      ? [box[0], box[1], clamp(box[2] + dx, box[0] + SMALLEST, 1), clamp(box[3] + dy, box[1] + SMALLEST, 1)]
      : shifted(box, dx, dy);
    this.show();
    this.later();
  }

  choose(box) {
    this.later.cancel();
    this.box = box;
    this.show();
    this.tell("box", box);
  }

  show() {
    const { box } = this;
    this.frame.hidden = !box;
    this.whole.hidden = !box;
    this.words.textContent = box ? `Region ${this.size(box)}` : "Drag on the picture to search with a part of it.";
    if (!box) return;
    const percent = (fraction) => `${(100 * fraction).toFixed(3)}%`;
    Object.assign(this.frame.style, {
      left: percent(box[0]),
      top: percent(box[1]),
      width: percent(box[2] - box[0]),
      height: percent(box[3] - box[1]),
    });
  }

  size([left, top, right, bottom]) {
    const [width, height] = this.data.side_px ?? [100, 100];
    const unit = this.data.side_px ? "px" : "% of the picture";
    return `${Math.round((right - left) * width)} × ${Math.round((bottom - top) * height)} ${unit}`;
  }

  destroy() {
    this.later.cancel();
    this.root.remove();
  }
}

const between = ([ax, ay], [bx, by]) => [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)];
const contains = ([left, top, right, bottom], [x, y]) => x > left && x < right && y > top && y < bottom;
const opposite = ([left, top, right, bottom], corner) => [corner.includes("w") ? right : left, corner.includes("n") ? bottom : top];

function shifted([left, top, right, bottom], dx, dy) {
  const x = clamp(dx, -left, 1 - right);
  const y = clamp(dy, -top, 1 - bottom);
  return [left + x, top + y, right + x, bottom + y];
}
