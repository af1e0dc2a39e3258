// Draws the points of a map frame by frame: as many per frame as the machine draws smoothly, until all are drawn.

import { FrameBudget, density, pointSize } from "./density.js";
import { drawingOrder } from "./points.js";
import { chooseRenderer } from "./renderers.js";

/** @import { ScatterMap } from "./map.js" */
/** @import { Renderer } from "./renderers.js" */

export class Painter {
  /** @param {ScatterMap} map */
  constructor(map) {
    this.map = map;
    /** @type {Renderer | null} */
    this.renderer = null; // until there are points
    this.note = ""; // what a reader should know of the renderer
    this.ratio = 1; // device pixels per CSS pixel
    this.drawn = 0; // points of the present view that are on the screen
    this.moving = false;
    /** @type {boolean | null} */
    this.wanted = null; // density shading as the reader wants it; null: where it is crowded
    this.shaded = false;
    this.budget = new FrameBudget();
    /** @type {number | null} */
    this.frame = null; // the animation frame that was asked for
  }

  /** Begin with the points of the map, in one colour. */
  start() {
    const { map } = this;
    const { points, board } = map;
    this.destroy();
    this.renderer?.canvas.remove();
    const { renderer, note } = chooseRenderer(points.n, (context) => {
      board.dataset.context = context;
      if (context === "restored") this.redraw();
    });
    this.renderer = renderer;
    this.note = note;
    map.stage.prepend(renderer.canvas);
    board.dataset.renderer = renderer.name;
    renderer.setPoints(points, drawingOrder(points.n));
    renderer.setCodes(map.codes);
    renderer.setPalette(map.palette);
  }

  /**
   * @param {number} width CSS pixels
   * @param {number} height
   */
  resize(width, height) {
    this.ratio = Math.min(2, window.devicePixelRatio || 1);
    this.renderer?.resize(Math.max(1, Math.round(width * this.ratio)), Math.max(1, Math.round(height * this.ratio)));
    this.redraw();
  }

  toggleDensity() {
    this.wanted = !this.shaded;
    this.redraw();
  }

  /**
   * Draw all points anew.
   * @param {{moving: boolean}} [view] while it is moving, each frame starts over, so that what is seen is a fair sample
   */
  redraw({ moving } = { moving: false }) {
    this.drawn = 0;
    this.moving = moving;
    delete this.map.board.dataset.drawn;
    if (moving) this.map.settleLater();
    this.retouch();
  }

  /** Draw what lies over the points, and the points that are not drawn yet. */
  retouch() {
    this.frame ??= requestAnimationFrame((now_ms) => {
      this.frame = null;
      if (!this.renderer) return;
      if (this.drawn < this.map.points.n) this.drawPoints(this.renderer, now_ms);
      this.map.drawMarks();
    });
  }

  /**
   * @param {Renderer} renderer
   * @param {number} now_ms
   */
  drawPoints(renderer, now_ms) {
    const { camera, points, grid, board } = this.map;
    const from = this.drawn;
    const to = Math.min(points.n, from + this.budget.next(now_ms));
    const size_px = pointSize(points.n, camera.zoom());
    const peak = density(grid, camera, size_px, this.wanted) * (to / points.n);
    this.drawn = to;
    this.shaded = peak > 0;
    renderer.draw({ camera, ratio: this.ratio, from, to, size_px, peak });
    if (to === points.n) board.dataset.drawn = String(points.n);
    else if (!this.moving) this.retouch();
  }

  /** The view has come to rest: draw the rest of the points. */
  rest() {
    this.moving = false;
    this.budget.pause();
    this.retouch();
  }

  destroy() {
    if (this.frame !== null) cancelAnimationFrame(this.frame);
    this.frame = null;
    this.renderer?.destroy();
  }
}
