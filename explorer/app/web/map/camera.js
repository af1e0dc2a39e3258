// What part of the map is in view: one scale for x and y, y upwards, all in steps of the point buffer.

import { clamp } from "../common/dom.js";

/** @import { Bounds, XY } from "./points.js" */
/** @typedef {{x: number, y: number, scale: number}} Place the middle of the view in steps, and CSS pixels per step */

const MARGIN_PX = 28;
const MAX_PX_PER_STEP = 2; // beyond this the 16-bit raster of the positions would show

export class Camera {
  constructor() {
    this.width = 1; // of the stage, in CSS pixels
    this.height = 1;
    /** @type {Bounds} */
    this.box = [0, 0, 1, 1]; // around all points
    this.x = 0.5;
    this.y = 0.5;
    this.scale = 1; // CSS pixels per step
  }

  /**
   * The stage changed size: keep the middle where it is; a view that showed all goes on showing all.
   * @param {number} width CSS pixels
   * @param {number} height
   */
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

  /** Show all points. */
  fit() {
    const [left, bottom, right, top] = this.box;
    this.x = (left + right) / 2;
    this.y = (bottom + top) / 2;
    this.scale = this.fitScale();
  }

  /** Magnification: 1 shows all points. */
  zoom() {
    return this.scale / this.fitScale();
  }

  /**
   * Put a place (steps) in the middle, at a zoom of which 1 shows all points.
   * @param {number} x
   * @param {number} y
   * @param {number} zoom
   */
  look(x, y, zoom) {
    this.x = clamp(x, this.box[0], this.box[2]);
    this.y = clamp(y, this.box[1], this.box[3]);
    this.scale = this.allowed(zoom * this.fitScale());
  }

  /**
   * The nearest scale that is allowed.
   * @param {number} scale
   */
  allowed(scale) {
    const least = this.fitScale() * 0.5;
    return clamp(scale, least, Math.max(least, MAX_PX_PER_STEP));
  }

  /** Whether it shows anything else than all points. */
  moved() {
    const [left, bottom, right, top] = this.box;
    const far_px = Math.hypot(this.x - (left + right) / 2, this.y - (bottom + top) / 2) * this.scale;
    return far_px > 1 || Math.abs(this.zoom() - 1) > 0.001;
  }

  /**
   * Move by screen pixels.
   * @param {number} dx
   * @param {number} dy
   */
  pan(dx, dy) {
    this.x = clamp(this.x - dx / this.scale, this.box[0], this.box[2]);
    this.y = clamp(this.y + dy / this.scale, this.box[1], this.box[3]);
  }

  /**
   * Zoom by `factor`, keeping what lies under (px, py) where it is.
   * @param {number} px
   * @param {number} py
   * @param {number} factor
   */
  zoomAt(px, py, factor) {
    const [x, y] = this.toSteps(px, py);
    this.scale = this.allowed(this.scale * factor);
    this.x = x - (px - this.width / 2) / this.scale;
    this.y = y + (py - this.height / 2) / this.scale;
  }

  /**
   * @param {number} x steps
   * @param {number} y
   * @returns {XY} screen pixels
   */
  toScreen(x, y) {
    return [this.width / 2 + (x - this.x) * this.scale, this.height / 2 - (y - this.y) * this.scale];
  }

  /**
   * @param {number} px screen pixels
   * @param {number} py
   * @returns {XY} steps
   */
  toSteps(px, py) {
    return [this.x + (px - this.width / 2) / this.scale, this.y - (py - this.height / 2) / this.scale];
  }

  /**
   * What is in view.
   * @returns {Bounds}
   */
  view() {
    const [left, top] = this.toSteps(0, 0);
    const [right, bottom] = this.toSteps(this.width, this.height);
    return [left, bottom, right, top];
  }

  /** @returns {Place} */
  get place() {
    return { x: this.x, y: this.y, scale: this.scale };
  }

  set place({ x, y, scale }) {
    Object.assign(this, { x, y, scale });
  }
}
