// What is drawn over the points as vectors: the shape under the hand, outlines of the selection, lines to neighbours, marks.

import { svg } from "../common/dom.js";

const RING_PX = 7;
const CLOSE_PX = 8; // the drawn shape shows its start as a dot of this size

export class Overlay {
  constructor() {
    const path = (name) => svg("path", { class: name });
    this.parts = Object.fromEntries(
      ["shapes", "links", "neighbours", "hits", "picked", "pointed", "focus", "query", "drawn", "closing"].map((name) => [name, path(name)]),
    );
    this.root = svg("svg", { class: "overlay", "aria-hidden": "true" }, ...Object.values(this.parts));
  }

  /** Everything that belongs to positions on the map; called whenever the camera moved. */
  update({ camera, points, shapes, picked, mark, hits, query, pointed, focus }) {
    const screen = (row) => camera.toScreen(points.q[2 * row], points.q[2 * row + 1]);
    const place = (corner) => camera.toScreen(...points.toSteps(corner));
    this.set("shapes", shapes.filter((shape) => shape.polygon).map((shape) => outline(shape.polygon.map(place))).join(""));
    const from = query ? place([query.x, query.y]) : mark ? screen(mark.row) : null;
    const near = mark ? mark.neighbours.map(screen) : [];
    const found = (hits ?? []).map(screen);
    this.set("links", from ? [...near, ...(query ? found : [])].map((to) => line(from, to)).join("") : "");
    this.set("neighbours", near.map((at) => ring(at, RING_PX)).join(""));
    this.set("hits", found.map((at) => ring(at, RING_PX)).join(""));
    this.set("picked", picked !== null ? ring(screen(picked), RING_PX + 2) : "");
    this.set("pointed", pointed !== null ? target(screen(pointed)) : "");
    this.set("focus", focus !== null ? ring(screen(focus), RING_PX + 5) : "");
    this.set("query", query ? target(place([query.x, query.y])) : "");
  }

  /** The shape being drawn, in screen pixels, with the line that would close it. */
  draw(path) {
    const open = path && path.length > 1;
    this.set("drawn", open ? trace(path) + ring(path[0], CLOSE_PX / 2) : "");
    this.set("closing", open ? line(path[path.length - 1], path[0]) : "");
  }

  set(name, d) {
    this.parts[name].setAttribute("d", d);
  }
}

const at = ([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`;
const trace = (path) => `M${path.map(at).join("L")}`;
const outline = (path) => `${trace(path)}Z`;
const line = (a, b) => `M${at(a)}L${at(b)}`;
const ring = ([x, y], r) => `M${at([x - r, y])}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;

/** A ring with four ticks: where the query falls, or the patch that is pointed at on another map. */
function target([x, y]) {
  const ticks = [
    [1, 0],
    [-1, 0],
    [0, 1],
    [0, -1],
  ].map(([dx, dy]) => line([x + dx * 8, y + dy * 8], [x + dx * 16, y + dy * 16]));
  return ring([x, y], 10) + ticks.join("");
}
