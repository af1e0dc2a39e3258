// Patches shown large, side by side at the same scale where their pixel sizes are known, each with a scale bar below it.
// Zooming into one zooms into all.
//
// data: pictures [{url, title, mpp (micrometres per pixel, or null), side_px ([width, height] of the original, or null)}], height_px

import { clamp, el, short, style } from "../common/dom.js";

const GAP_PX = 16;
const DEEPEST = 16;
const STEP = 1.4;
const WHEEL = 0.0016;
const SHIFT = 0.15; // of what is in view, per arrow key
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export async function mount(component) {
  await style(component.parentElement, "patch/patch.css");
  const viewer = new PatchViewer(component.parentElement);
  viewer.update(component);
  return viewer;
}

class PatchViewer {
  constructor(root) {
    this.root = el("div", { class: "patches" });
    this.note = el("p", { class: "caption" });
    this.board = el("div", {}, this.root, this.note);
    root.append(this.board);
    this.watcher = new ResizeObserver(() => this.arrange());
    this.watcher.observe(this.board);
  }

  update(component) {
    const text = JSON.stringify(component.data);
    if (text === this.text) return;
    this.text = text;
    this.data = component.data;
    this.zoom = 1;
    this.middle = [0.5, 0.5]; // what lies in the middle of each frame, as fractions of the picture
    this.views = this.data.pictures.map((picture) => this.view(picture));
    this.root.replaceChildren(...this.views.map(({ node }) => node));
    this.arrange();
    this.root.dataset.ready = String(this.views.length);
  }

  view(picture) {
    const image = el("img", { alt: picture.title, src: picture.url, draggable: "false" });
    const words = `${picture.title}. Plus and minus zoom, arrow keys move.`;
    const frame = el("div", { class: "frame", tabindex: "0", role: "group", "aria-label": words }, image);
    const bar = el("div", { class: "bar" });
    const length = el("span", { class: "caption" });
    const title = el("span", { class: "title", title: picture.title }, picture.title);
    const foot = el("figcaption", {}, title, el("span", { class: "length" }, bar, length));
    image.addEventListener("load", () => this.arrange());
    image.addEventListener("error", () => image.replaceWith(el("p", { class: "gone" }, "Picture not found")));
    this.listen(frame);
    return { picture, image, frame, bar, length, node: el("figure", { class: "patch" }, frame, foot) };
  }

  listen(frame) {
    frame.addEventListener("wheel", (event) => {
      if (this.zoom === 1 && event.deltaY > 0) return; // the page scrolls on
      event.preventDefault();
      const box = frame.getBoundingClientRect();
      const at = [(event.clientX - box.left) / box.width - 0.5, (event.clientY - box.top) / box.height - 0.5];
      this.zoomAt(at, Math.exp(-event.deltaY * (event.deltaMode === 1 ? 16 : 1) * WHEEL));
    });
    frame.addEventListener("pointerdown", (event) => frame.setPointerCapture(event.pointerId));
    frame.addEventListener("pointermove", (event) => {
      if (!frame.hasPointerCapture(event.pointerId)) return;
      this.move(-event.movementX / frame.clientWidth, -event.movementY / frame.clientHeight);
    });
    frame.addEventListener("keydown", (event) => {
      const arrow = ARROWS[event.key];
      const factor = { "+": STEP, "=": STEP, "-": 1 / STEP }[event.key];
      if (event.ctrlKey || event.metaKey || (!arrow && !factor)) return;
      event.preventDefault();
      event.stopPropagation();
      if (factor) this.zoomAt([0, 0], factor);
      else this.move(arrow[0] * SHIFT, arrow[1] * SHIFT);
    });
  }

  /** Zoom by a factor about a place in the frame, given from its middle as fractions of the frame. */
  zoomAt(at, factor) {
    const under = this.middle.map((middle, k) => middle + at[k] / this.zoom);
    this.zoom = clamp(this.zoom * factor, 1, DEEPEST);
    this.look(under.map((place, k) => place - at[k] / this.zoom));
  }

  /** Move by fractions of what is in view. */
  move(dx, dy) {
    this.look([this.middle[0] + dx / this.zoom, this.middle[1] + dy / this.zoom]);
  }

  look(middle) {
    const half = 0.5 / this.zoom;
    this.middle = middle.map((place) => clamp(place, half, 1 - half));
    this.arrange();
  }

  /** Give every picture its size: one scale for all where every pixel size is known, else as large as fits. */
  arrange() {
    if (!this.views?.length) return;
    const known = this.views.every(({ picture }) => picture.mpp);
    const room = (this.board.clientWidth - GAP_PX * (this.views.length - 1)) / this.views.length;
    const lengths = this.views.map(({ picture, image }) => {
      const unit = known ? picture.mpp : 1; // micrometres where all are known, pixels otherwise
      return (picture.side_px ?? [image.naturalWidth || 1, image.naturalHeight || 1]).map((side) => side * unit);
    });
    const fitting = lengths.map(([width, height]) => Math.min(room / width, this.data.height_px / height));
    this.views.forEach((view, k) => {
      const scale = known ? Math.min(...fitting) : fitting[k];
      const [width, height] = lengths[k].map((length) => length * scale);
      const [left, top] = this.middle.map((place) => (place * this.zoom - 0.5) * -100);
      Object.assign(view.frame.style, { width: `${width}px`, height: `${height}px` });
      view.image.style.transform = `translate(${left}%, ${top}%) scale(${this.zoom})`;
      this.measure(view, (known ? scale : scale / view.picture.mpp) * this.zoom, width);
    });
    const same = known ? "Shown at the same scale." : "Not at the same scale: a pixel size is not known.";
    this.note.textContent = this.views.length > 1 ? same : "";
  }

  /** `scale` is CSS pixels per micrometre. */
  measure(view, scale, width_px) {
    view.bar.hidden = !view.picture.mpp;
    view.length.textContent = "scale not known";
    if (!view.picture.mpp) return;
    const length_um = nice(width_px / 4 / scale);
    view.bar.style.width = `${length_um * scale}px`;
    view.length.textContent = length_um >= 1000 ? `${short(length_um / 1000)} mm` : `${short(length_um)} µm`;
  }

  destroy() {
    this.watcher.disconnect();
    this.board.remove();
  }
}

/** The largest of 1, 2 or 5 times a power of ten that is not above `value`. */
function nice(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [5, 2, 1].find((digit) => digit * power <= value * 1.0001);
}
