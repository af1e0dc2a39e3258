// Patches shown large, side by side at the same scale where their pixel sizes are known, each with a scale bar below it.
//
// data: pictures [{url, title, mpp (micrometres per pixel, or null), side_px ([width, height] of the original, or null)}], height_px

import { el, short, style } from "./dom.js";

const GAP_PX = 16;

export async function mount(component) {
  await style(component.parentElement, "patch.css");
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
    this.views = this.data.pictures.map((picture) => this.view(picture));
    this.root.replaceChildren(...this.views.map(({ node }) => node));
    this.arrange();
    this.root.dataset.ready = String(this.views.length);
  }

  view(picture) {
    const image = el("img", { alt: picture.title, src: picture.url });
    const bar = el("div", { class: "bar" });
    const length = el("span", { class: "caption" });
    const foot = el("figcaption", {}, el("span", { class: "title", title: picture.title }, picture.title), el("span", { class: "length" }, bar, length));
    const view = { picture, image, bar, length, node: el("figure", { class: "patch" }, image, foot) };
    image.addEventListener("load", () => this.arrange());
    image.addEventListener("error", () => image.replaceWith(el("p", { class: "gone" }, "Picture not found")));
    return view;
  }

  /** Give every picture its size: one scale for all where every pixel size is known, else as large as fits. */
  arrange() {
    if (!this.views?.length) return;
    const sides = this.views.map(({ picture, image }) => picture.side_px ?? [image.naturalWidth || 1, image.naturalHeight || 1]);
    const known = this.views.every(({ picture }) => picture.mpp);
    const room = (this.board.clientWidth - GAP_PX * (this.views.length - 1)) / this.views.length;
    const lengths = sides.map(([width, height], k) => {
      const unit = known ? this.views[k].picture.mpp : 1;
      return [width * unit, height * unit];
    });
    const fit = ([width, height]) => Math.min(room / width, this.data.height_px / height);
    const common = Math.min(...lengths.map(fit)); // CSS pixels per micrometre
    this.views.forEach((view, k) => {
      const scale = known ? common : fit(lengths[k]);
      view.image.style.width = `${lengths[k][0] * scale}px`;
      view.image.style.height = `${lengths[k][1] * scale}px`;
      this.measure(view, known ? common : (scale * sides[k][0]) / sides[k][0], lengths[k][0] * scale, known);
    });
    this.note.textContent = this.views.length > 1 ? (known ? "Shown at the same scale." : "Not at the same scale: a pixel size is not known.") : "";
  }

  measure(view, scale, width_px, known) {
    const { mpp } = view.picture;
    view.bar.hidden = !mpp;
    view.length.textContent = mpp ? "" : "scale not known";
    if (!mpp) return;
    const perUm = known ? scale : scale / mpp;
    const length = nice(width_px / 4 / perUm);
    view.bar.style.width = `${length * perUm}px`;
    view.length.textContent = length >= 1000 ? `${short(length / 1000)} mm` : `${short(length)} µm`;
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
