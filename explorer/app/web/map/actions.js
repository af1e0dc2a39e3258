// What a reader can do with the map. Gestures, keys and buttons all call these.

import { patches } from "../common/dom.js";
import { box, rounded, simplify } from "./lasso.js";
import { readingOrder } from "./reading_order.js";

/** @import { Mode, Shape } from "./lasso.js" */
/** @import { ScatterMap } from "./map.js" */
/** @import { XY } from "./points.js" */
/** @typedef {"pan" | "lasso" | "box"} Tool what dragging does */

const PICK_PX = 10;
const SMALLEST_SHAPE_PX = 6;

export class Actions {
  /** @param {ScatterMap} map */
  constructor(map) {
    this.map = map;
    /** @type {Tool} */
    this.tool = "pan";
    /** @type {number[] | null} */
    this.order = null; // patches in view as the keyboard steps through them; null: to be found again
  }

  // ---- moving the view

  /**
   * @param {number} dx screen pixels
   * @param {number} dy
   */
  pan(dx, dy) {
    this.map.camera.pan(dx, dy);
    this.moved();
  }

  /**
   * @param {number} px screen pixels
   * @param {number} py
   * @param {number} factor
   */
  zoomAt(px, py, factor) {
    this.map.camera.zoomAt(px, py, factor);
    this.moved();
  }

  /**
   * Zoom about the middle of the view.
   * @param {number} factor
   */
  zoom(factor) {
    const { width, height } = this.map.camera;
    this.zoomAt(width / 2, height / 2, factor);
  }

  fit() {
    this.map.camera.fit();
    this.moved();
  }

  moved() {
    this.leave();
    this.order = null;
    this.map.painter.redraw({ moving: true });
  }

  /** @param {Tool} tool */
  setTool(tool) {
    this.tool = tool;
    this.map.stage.dataset.tool = tool;
    this.map.painter.retouch();
  }

  togglePictures() {
    this.map.pictures.on = !this.map.pictures.on;
    this.map.settle();
  }

  toggleDensity() {
    this.map.painter.toggleDensity();
  }

  // ---- single patches

  /**
   * The row under a place on the screen, or -1.
   * @param {XY} at
   */
  rowAt([px, py]) {
    const { map } = this;
    const pictured = map.pictures.under(px, py, map);
    if (pictured >= 0) return pictured;
    const [x, y] = map.camera.toSteps(px, py);
    return map.grid.nearest(x, y, PICK_PX / map.camera.scale, map.visible);
  }

  /** @param {XY} at */
  hover(at) {
    const row = this.rowAt(at);
    this.map.stage.classList.toggle("over", row >= 0 && this.tool === "pan");
    if (row < 0 || row === this.map.picked) this.map.card.hide(); // the card would lie on the lines to its neighbours
    else this.map.card.show(row, at, this.map.camera, this.map.note(row));
    this.map.link.point(row < 0 ? null : row);
  }

  /** The pointer left the patch it was on. */
  leave() {
    this.map.card.hide();
    this.map.link.point(null);
  }

  /** @param {XY} at */
  click(at) {
    const row = this.rowAt(at);
    if (row >= 0) this.pick(row);
  }

  /** @param {number} row */
  pick(row) {
    this.leave();
    this.map.setPicked(row);
    this.map.link.pick(row);
    this.map.sendState("picked", row);
  }

  /** @param {XY} at */
  open(at) {
    const row = this.rowAt(at);
    if (row >= 0) this.map.sendTrigger("opened", row);
  }

  /**
   * Go to the next patch in view, or to the one before, line by line.
   * @param {1 | -1} by
   */
  step(by) {
    const { map } = this;
    const order = (this.order ??= readingOrder(map));
    if (!order.length) {
      map.status.say("No patch in view");
      return;
    }
    const now = map.focus === null ? -1 : order.indexOf(map.focus);
    const next = now < 0 ? 0 : (now + by + order.length) % order.length;
    const row = order[next];
    map.focus = row;
    map.card.show(row, map.screen(row), map.camera, map.note(row));
    map.link.point(row);
    map.status.say(`Patch ${row}, ${map.note(row)}, ${next + 1} of ${order.length} in view`);
    map.painter.retouch();
  }

  pickFocus() {
    if (this.map.focus !== null) this.pick(this.map.focus);
  }

  // ---- selections

  /**
   * Show a shape while it is drawn (screen pixels); null when drawing has ended.
   * @param {XY[] | null} path
   * @param {"lasso" | "box"} kind
   */
  drawing(path, kind) {
    this.map.card.hide();
    this.map.overlay.draw(path && kind === "box" && path.length === 2 ? box(path[0], path[1]) : path);
  }

  /**
   * A shape was drawn.
   * @param {XY[]} path screen pixels
   * @param {"lasso" | "box"} kind
   * @param {Mode} mode
   */
  drawn(path, kind, mode) {
    const xs = path.map(([x]) => x);
    const ys = path.map(([, y]) => y);
    const wide = Math.max(...xs) - Math.min(...xs);
    const high = Math.max(...ys) - Math.min(...ys);
    if (Math.min(wide, high) < SMALLEST_SHAPE_PX) {
      this.map.status.say("Too small. Draw around the patches; letting go closes the shape.");
      return;
    }
    this.addShape(kind === "box" ? box(path[0], path[path.length - 1]) : simplify(path), mode);
  }

  /**
   * Select what is in view, for those who do not draw.
   * @param {Mode} mode
   */
  selectView(mode) {
    const { width, height } = this.map.camera;
    this.addShape(box([0, 0], [width, height]), mode);
  }

  /**
   * @param {XY[]} corners screen pixels
   * @param {Mode} mode
   */
  addShape(corners, mode) {
    const { map } = this;
    const polygon = rounded(
      corners.map(([px, py]) => map.points.toUnits(map.camera.toSteps(px, py))),
      map.points.step,
    );
    const shape = { mode, polygon, ...map.legend.switchedOff() };
    map.setShapes(mode === "replace" ? [shape] : [...this.present(), shape]);
    map.link.shareSelection();
    map.sendState("selection", { shapes: map.shapes });
    map.status.say(`${patches(map.selected)} selected`);
  }

  /**
   * The selection so far; one that was made on a linked map is taken over row by row.
   * @returns {Shape[]}
   */
  present() {
    const { shapes, chosen } = this.map;
    if (shapes.length || !chosen) return shapes;
    return [{ mode: "replace", rows: [...chosen.keys()].filter((row) => chosen[row]) }];
  }

  /** Drop the selection, or, where there is none, the picked patch. */
  clear() {
    const { map } = this;
    if (map.chosen) {
      map.setShapes([]);
      map.link.shareSelection();
      map.sendState("selection", null);
      map.status.say("Selection cleared");
    } else if (map.picked !== null || map.focus !== null) {
      map.focus = null;
      map.setPicked(null);
      map.link.pick(null);
      map.sendState("picked", null);
      this.leave();
    }
  }
}
