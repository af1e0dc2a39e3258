// Patches shown large, side by side at the same scale where their pixel sizes are known, each with a scale bar below it.
// Zooming into one zooms into all.

import { clamp, el, short, style } from "../common/dom.js";

/** @import { Component } from "../common/state.js" */

/**
 * What the Python side sends.
 * @typedef {object} PatchData
 * @property {PictureData[]} pictures
 * @property {number} height_px
 */

/**
 * One picture.
 * @typedef {object} PictureData
 * @property {string} url
 * @property {string} title
 * @property {number | null} mpp micrometres per pixel of the original; null where it is not known
 * @property {[width: number, height: number] | null} side_px of the original; null where it is not known
 */

/** @typedef {{picture: PictureData, image: HTMLImageElement, frame: HTMLElement, bar: HTMLElement, length: HTMLElement, node: HTMLElement}} View */
/** @typedef {[x: number, y: number]} Position fractions of a frame or a picture */

const GAP_PX = 16;
const MAX_ZOOM = 16;
const STEP = 1.4;
const WHEEL = 0.0016;
const SHIFT = 0.15; // of what is in view, per arrow key
/** @type {Record<string, Position>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
/** @type {Record<string, number>} */
const ZOOMS = { "+": STEP, "=": STEP, "-": 1 / STEP };

/** @param {Component<PatchData>} component */
export async function mount(component) {
  await style(component.parentElement, "patch/patch.css");
  return new PatchViewer(component);
}

class PatchViewer {
  /** @param {Component<PatchData>} component */
  constructor(component) {
    this.data = component.data;
    this.text = "";
    this.zoom = 1;
    /** @type {Position} */
    this.middle = [0.5, 0.5]; // what lies in the middle of each frame, as fractions of the picture
    /** @type {View[]} */
    this.views = [];
    this.root = el("div", { class: "patches" });
    this.note = el("p", { class: "caption" });
    this.board = el("div", {}, this.root, this.note);
    component.parentElement.append(this.board);
    this.watcher = new ResizeObserver(() => this.arrange());
    this.watcher.observe(this.board);
    this.update(component);
  }

  /** @param {Component<PatchData>} component */
  update(component) {
    const text = JSON.stringify(component.data);
    if (text === this.text) return;
    this.text = text;
    this.data = component.data;
    this.zoom = 1;
    this.middle = [0.5, 0.5];
    this.views = this.data.pictures.map((picture) => this.view(picture));
    this.root.replaceChildren(...this.views.map(({ node }) => node));
    this.arrange();
    this.root.dataset.ready = String(this.views.length);
  }

  /**
   * @param {PictureData} picture
   * @returns {View}
   */
  view(picture) {
    const image = el("img", { alt: picture.title, src: picture.url, draggable: "false" });
    const label = `${picture.title}. Plus and minus zoom, arrow keys move.`;
    const frame = el("div", { class: "frame", tabindex: "0", role: "group", "aria-label": label }, image);
    const bar = el("div", { class: "bar" });
    const length = el("span", { class: "caption" });
    const title = el("span", { class: "title", title: picture.title }, picture.title);
    const foot = el("figcaption", {}, title, el("span", { class: "length" }, bar, length));
    image.addEventListener("load", () => this.arrange());
    image.addEventListener("error", () => image.replaceWith(el("p", { class: "gone" }, "Picture not found")));
    this.listen(frame);
    return { picture, image, frame, bar, length, node: el("figure", { class: "patch" }, frame, foot) };
  }

  /** @param {HTMLElement} frame */
  listen(frame) {
    frame.addEventListener("wheel", (event) => {
      if (this.zoom === 1 && event.deltaY > 0) return; // the page scrolls on
      event.preventDefault();
      const box = frame.getBoundingClientRect();
      const at = /** @type {Position} */ ([(event.clientX - box.left) / box.width - 0.5, (event.clientY - box.top) / box.height - 0.5]);
      this.zoomAt(at, Math.exp(-event.deltaY * (event.deltaMode === 1 ? 16 : 1) * WHEEL));
    });
    frame.addEventListener("pointerdown", (event) => frame.setPointerCapture(event.pointerId));
    frame.addEventListener("pointermove", (event) => {
      if (!frame.hasPointerCapture(event.pointerId)) return;
      this.move(-event.movementX / frame.clientWidth, -event.movementY / frame.clientHeight);
    });
    frame.addEventListener("keydown", (event) => {
      const arrow = ARROWS[event.key];
      const factor = ZOOMS[event.key];
      if (event.ctrlKey || event.metaKey || (!arrow && !factor)) return;
      event.preventDefault();
      event.stopPropagation();
      if (factor) this.zoomAt([0, 0], factor);
      else this.move(arrow[0] * SHIFT, arrow[1] * SHIFT);
    });
  }

  /**
   * Zoom by a factor about a place in the frame, given from its middle as fractions of the frame.
   * @param {Position} at
   * @param {number} factor
   */
  zoomAt([x, y], factor) {
    const under = [this.middle[0] + x / this.zoom, this.middle[1] + y / this.zoom];
    this.zoom = clamp(this.zoom * factor, 1, MAX_ZOOM);
    this.look(under[0] - x / this.zoom, under[1] - y / this.zoom);
  }

  /**
   * Move by fractions of what is in view.
   * @param {number} dx
   * @param {number} dy
   */
  move(dx, dy) {
    this.look(this.middle[0] + dx / this.zoom, this.middle[1] + dy / this.zoom);
  }

  /**
   * Put a place of the pictures in the middle, as far as no frame shows anything beside its picture.
   * @param {number} x
   * @param {number} y
   */
  look(x, y) {
    const half = 0.5 / this.zoom;
    this.middle = [clamp(x, half, 1 - half), clamp(y, half, 1 - half)];
    this.arrange();
  }

  /** Give every picture its size: one scale for all where every pixel size is known, else as large as fits. */
  arrange() {
    if (!this.views.length) return;
    const known = this.views.every(({ picture }) => picture.mpp);
    const room_px = (this.board.clientWidth - GAP_PX * (this.views.length - 1)) / this.views.length;
    const sizes = this.views.map(({ picture, image }) => {
      const unit = (known && picture.mpp) || 1; // micrometres where all are known, pixels otherwise
      const [width, height] = picture.side_px ?? [image.naturalWidth || 1, image.naturalHeight || 1];
      return { width: width * unit, height: height * unit };
    });
    const fitting = sizes.map(({ width, height }) => Math.min(room_px / width, this.data.height_px / height));
    const [left, top] = this.middle.map((place) => (place * this.zoom - 0.5) * -100);
    for (const [k, view] of this.views.entries()) {
      const scale = known ? Math.min(...fitting) : fitting[k];
      const [width_px, height_px] = [sizes[k].width * scale, sizes[k].height * scale];
      Object.assign(view.frame.style, { width: `${width_px}px`, height: `${height_px}px` });
      view.image.style.transform = `translate(${left}%, ${top}%) scale(${this.zoom})`;
      this.measure(view, scale * this.zoom, known, width_px);
    }
    const same = known ? "Shown at the same scale." : "Not at the same scale: a pixel size is not known.";
    this.note.textContent = this.views.length > 1 ? same : "";
  }

  /**
   * Draw the scale bar.
   * @param {View} view
   * @param {number} scale CSS pixels per micrometre where `in_um`, else per pixel of the original
   * @param {boolean} in_um
   * @param {number} width_px of the frame
   */
  measure(view, scale, in_um, width_px) {
    const { mpp } = view.picture;
    view.bar.hidden = !mpp;
    view.length.textContent = "scale not known";
    if (!mpp) return;
    const px_per_um = in_um ? scale : scale / mpp;
    const length_um = nice(width_px / 4 / px_per_um);
    view.bar.style.width = `${length_um * px_per_um}px`;
    view.length.textContent = length_um >= 1000 ? `${short(length_um / 1000)} mm` : `${short(length_um)} µm`;
  }

  destroy() {
    this.watcher.disconnect();
    this.board.remove();
  }
}

/**
 * The largest of 1, 2 or 5 times a power of ten that is not above `value`.
 * @param {number} value
 */
function nice(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([5, 2].find((digit) => digit * power <= value * 1.0001) ?? 1);
}
