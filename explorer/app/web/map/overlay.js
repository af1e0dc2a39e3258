// What is drawn over the points as vectors: the shape being drawn, outlines of the selection, lines to neighbours, marks.

import { svg } from "../common/dom.js";

/** @import { Camera } from "./camera.js" */
/** @import { MarkData, QueryData } from "./data.js" */
/** @import { Shape } from "./lasso.js" */
/** @import { Points, XY } from "./points.js" */

/**
 * @typedef {object} Marks
 * @property {Camera} camera
 * @property {Points} points
 * @property {Shape[]} shapes of the selection
 * @property {number | null} picked row
 * @property {MarkData | null} mark the picked row with its neighbours
 * @property {number[]} hits rows
 * @property {QueryData | null} query
 * @property {number | null} pointed row under the pointer on a linked map
 * @property {number | null} focus row the keyboard is on
 */

const RING_PX = 7;
const CLOSE_PX = 8; // diameter of the dot that shows where a drawn shape began

const PARTS = /** @type {const} */ (["shapes", "links", "neighbours", "hits", "picked", "pointed", "focus", "query", "drawn", "closing"]);
/** @typedef {typeof PARTS[number]} Part */

export class Overlay {
  constructor() {
    /** @type {Map<Part, SVGPathElement>} */
    this.parts = new Map(PARTS.map((name) => [name, svg("path", { class: name })]));
    this.root = svg("svg", { class: "overlay", "aria-hidden": "true" }, ...this.parts.values());
  }

  /**
   * Everything that belongs to positions on the map; called whenever the camera moved.
   * @param {Marks} marks
   */
  update({ camera, points, shapes, picked, mark, hits, query, pointed, focus }) {
    /** @param {number} row */
    const screen = (row) => camera.toScreen(points.q[2 * row], points.q[2 * row + 1]);
    /** @param {XY} position in map units */
    const place = (position) => camera.toScreen(...points.toSteps(position));
    this.set("shapes", shapes.map(({ polygon }) => (polygon ? outline(polygon.map(place)) : "")).join(""));
    const from = query ? place([query.x, query.y]) : mark ? screen(mark.row) : null;
    const near = mark ? mark.neighbours.map(screen) : [];
    const found = hits.map(screen);
    this.set("links", from ? [...near, ...(query ? found : [])].map((to) => line(from, to)).join("") : "");
    this.set("neighbours", near.map((at) => ring(at, RING_PX)).join(""));
    this.set("hits", found.map((at) => ring(at, RING_PX)).join(""));
    this.set("picked", picked !== null ? ring(screen(picked), RING_PX + 2) : "");
    this.set("pointed", pointed !== null ? target(screen(pointed)) : "");
    this.set("focus", focus !== null ? ring(screen(focus), RING_PX + 5) : "");
    this.set("query", query ? target(place([query.x, query.y])) : "");
  }

  /**
   * The shape being drawn, in screen pixels, with the line that would close it; null for none.
   * @param {XY[] | null} path
   */
  draw(path) {
    const shown = path && path.length > 1 ? path : null;
    this.set("drawn", shown ? trace(shown) + ring(shown[0], CLOSE_PX / 2) : "");
    this.set("closing", shown ? line(shown[shown.length - 1], shown[0]) : "");
  }

  /**
   * @param {Part} name
   * @param {string} d
   */
  set(name, d) {
    this.parts.get(name)?.setAttribute("d", d);
  }
}

/** @type {(at: XY) => string} */
const text = ([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`;
/** @type {(path: XY[]) => string} */
const trace = (path) => `M${path.map(text).join("L")}`;
/** @type {(path: XY[]) => string} */
const outline = (path) => `${trace(path)}Z`;
/** @type {(a: XY, b: XY) => string} */
const line = (a, b) => `M${text(a)}L${text(b)}`;
/** @type {(at: XY, radius_px: number) => string} */
const ring = ([x, y], r) => `M${text([x - r, y])}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;

/**
 * A ring with four ticks: where the query falls, or the patch that is pointed at on another map.
 * @param {XY} at
 */
function target([x, y]) {
  const ticks = [
    [1, 0],
    [-1, 0],
    [0, 1],
    [0, -1],
  ].map(([dx, dy]) => line([x + dx * 8, y + dy * 8], [x + dx * 16, y + dy * 16]));
  return ring([x, y], 10) + ticks.join("");
}
