// What a reader can do with the map. Gestures, keys and buttons all end here.

import { patches } from "../common/dom.js";
import { box, rounded, simplify } from "./lasso.js";
import { readingOrder } from "./reading.js";

const PICK_PX = 10;
const SMALLEST_SHAPE_PX = 6;

export class Actions {
  constructor(map) {
    this.map = map;
    this.tool = "pan"; // or "lasso", "box": what dragging does
    this.order = null; // patches in view as the keyboard steps through them
  }

  // ---- looking around

  pan(dx, dy) {
    this.map.camera.pan(dx, dy);
    this.moved();
  }

  zoomAt(px, py, factor) {
    this.map.camera.zoomAt(px, py, factor);
    this.moved();
  }

  /** Zoom about the middle of the view. */
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
    this.map.redraw({ moving: true });
  }

  setTool(tool) {
    this.tool = tool;
    this.map.stage.dataset.tool = tool;
    this.map.retouch();
  }

  togglePictures() {
    this.map.pictures.on = !this.map.pictures.on;
    this.map.settle();
  }

  toggleDensity() {
    this.map.dense = !this.map.shaded;
    this.map.redraw();
  }

  // ---- single patches

  rowAt([px, py]) {
    const { map } = this;
    const pictured = map.pictures.under(px, py, map);
    if (pictured >= 0) return pictured;
    return map.grid.nearest(...map.camera.toSteps(px, py), PICK_PX / map.camera.scale, map.visible);
  }

  hover(at) {
    const row = this.rowAt(at);
    this.map.stage.classList.toggle("over", row >= 0 && this.tool === "pan");
    if (row < 0 || row === this.map.picked) this.map.card.hide(); // the card would lie on the lines to its neighbours
    else this.map.card.show(row, at, this.map.camera, this.map.note(row));
    this.map.link.point(row < 0 ? null : row);
  }

  leave() {
    this.map.card.hide();
    this.map.link.point(null);
  }

  click(at) {
    const row = this.rowAt(at);
    if (row >= 0) this.pick(row);
  }

  pick(row) {
    this.leave();
    this.map.setPicked(row);
    this.map.link.pick(row);
    this.map.tell("picked", row);
  }

  open(at) {
    const row = this.rowAt(at);
    if (row >= 0) this.map.trigger("opened", row);
  }

  /** Go to the next patch in view (or the one before), line by line. */
  step(by) {
    const { map } = this;
    this.order ??= readingOrder(map);
    if (!this.order.length) {
      map.status.say("No patch in view");
      return;
    }
    const now = this.order.indexOf(map.focus);
    const next = now < 0 ? 0 : (now + by + this.order.length) % this.order.length;
    map.focus = this.order[next];
    map.card.show(map.focus, map.screen(map.focus), map.camera, map.note(map.focus));
    map.link.point(map.focus);
    map.status.say(`Patch ${map.focus}, ${map.note(map.focus)}, ${next + 1} of ${this.order.length} in view`);
    map.retouch();
  }

  chooseFocus() {
    if (this.map.focus !== null) this.pick(this.map.focus);
  }

  // ---- selections

  /** Show a shape while it is drawn (screen pixels); null when the hand let go. */
  drawing(path, kind) {
    this.map.card.hide();
    this.map.overlay.draw(path && kind === "box" && path.length === 2 ? box(...path) : path);
  }

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

  /** Select what is in view, for those who do not draw. */
  selectView(mode) {
    const { width, height } = this.map.camera;
    this.addShape(box([0, 0], [width, height]), mode);
  }

  /** Corners in screen pixels join the selection. */
  addShape(corners, mode) {
    const { map } = this;
    const polygon = rounded(
      corners.map(([px, py]) => map.points.toUnits(map.camera.toSteps(px, py))),
      map.points.step,
    );
    const shape = { mode, polygon, ...map.legend.switchedOff() };
    map.setShapes(mode === "replace" ? [shape] : [...this.present(), shape]);
    map.link.choose();
    map.tell("selection", { shapes: map.shapes });
    map.status.say(`${patches(map.selected)} selected`);
  }

  /** The selection so far; one that was made on a linked map is taken over row by row. */
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
      map.link.choose();
      map.tell("selection", null);
      map.status.say("Selection cleared");
    } else if (map.picked !== null || map.focus !== null) {
      map.focus = null;
      map.setPicked(null);
      map.link.pick(null);
      map.tell("picked", null);
      this.leave();
    }
  }
}
