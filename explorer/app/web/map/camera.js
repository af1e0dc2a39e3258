// Where one looks: one scale for x and y, y upwards, all in steps of the point buffer.

import { clamp } from "../common/dom.js";

const MARGIN_PX = 28;
const MAX_PX_PER_STEP = 2; // beyond this the 16-bit raster of the positions would show

export class Camera {
  constructor() {
    this.width = 1;
    this.height = 1;
    this.box = [0, 0, 1, 1];
    this.x = 0.5;
    this.y = 0.5;
    this.scale = 1; // CSS pixels per step
  }

  /** The stage changed size: keep the middle where it is; a view that showed all goes on showing all. */
  resize(width, height) {
    const showedAll = this.scale <= this.fitScale() * 1.001;
    this.width = Math.max(1, width);
    this.height = Math.max(1, height);
    if (showedAll) this.fit();
  }

  fitScale() {
    const [left, bottom, right, top] = this.box;
    const wide = Math.max(1, this.width - 2 * MARGIN_PX) / Math.max(1, right - left);
    const high = Math.max(1, this.height - 2 * MARGIN_PX) / Math.max(1, top - bottom);
    return Math.min(wide, high, MAX_PX_PER_STEP);
  }

  fit() {
    const [left, bottom, right, top] = this.box;
    this.x = (left + right) / 2;
    this.y = (bottom + top) / 2;
    this.scale = this.fitScale();
  }

  /** How far in one is: 1 shows all points. */
  zoom() {
    return this.scale / this.fitScale();
  }

  /** Look at a place (steps), so far in that 1 shows all points. */
  look(x, y, zoom) {
    const least = this.fitScale() * 0.5;
    this.x = clamp(x, this.box[0], this.box[2]);
    this.y = clamp(y, this.box[1], this.box[3]);
    this.scale = clamp(zoom * this.fitScale(), least, Math.max(least, MAX_PX_PER_STEP));
  }

  /** Whether it shows anything else than all points. */
  moved() {
    const [left, bottom, right, top] = this.box;
    const far = Math.hypot(this.x - (left + right) / 2, this.y - (bottom + top) / 2) * this.scale;
    return far > 1 || Math.abs(this.zoom() - 1) > 0.001;
  }

  pan(dx, dy) {
    this.x -= dx / this.scale;
    this.y += dy / this.scale;
    this.x = clamp(this.x, this.box[0], this.box[2]);
    this.y = clamp(this.y, this.box[1], this.box[3]);
  }

  /** Zoom by `factor`, keeping what lies under (px, py) where it is. */
  zoomAt(px, py, factor) {
    const [x, y] = this.toSteps(px, py);
    const least = this.fitScale() * 0.5;
    this.scale = clamp(this.scale * factor, least, Math.max(least, MAX_PX_PER_STEP));
    this.x = x - (px - this.width / 2) / this.scale;
    this.y = y + (py - this.height / 2) / this.scale;
  }

  /** Move so that a position is in view; where it already is, stay. */
  reveal(x, y) {
    const [px, py] = this.toScreen(x, y);
    if (px < MARGIN_PX || px > this.width - MARGIN_PX || py < MARGIN_PX || py > this.height - MARGIN_PX) {
      this.x = x;
      this.y = y;
    }
  }

  toScreen(x, y) {
    return [this.width / 2 + (x - this.x) * this.scale, this.height / 2 - (y - this.y) * this.scale];
  }

  toSteps(px, py) {
    return [this.x + (px - this.width / 2) / this.scale, this.y - (py - this.height / 2) / this.scale];
  }

  /** What is in view, in steps: [left, bottom, right, top]. */
  view() {
    const [left, top] = this.toSteps(0, 0);
    const [right, bottom] = this.toSteps(this.width, this.height);
    return [left, bottom, right, top];
  }

  get place() {
    return { x: this.x, y: this.y, scale: this.scale };
  }

  set place({ x, y, scale }) {
    Object.assign(this, { x, y, scale });
  }
}
