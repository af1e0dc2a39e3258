// How large points are, when a crowded view is shaded by density, and how many points one frame may draw.

import { clamp } from "../common/dom.js";

/** @import { Camera } from "./camera.js" */
/** @import { SpatialGrid } from "./spatial.js" */

/**
 * Diameter in CSS pixels: large where there are few points, growing slowly with the zoom.
 * @param {number} n
 * @param {number} zoom
 */
export function pointSize(n, zoom) {
  const base = n < 3_000 ? 7 : n < 30_000 ? 4.5 : n < 150_000 ? 3 : 2;
  return clamp(base * zoom ** 0.4, 1.5, 12);
}

const CROWDED = 1.2; // area of the points over the area they lie on; above this, single points no longer show how many there are
const MANY = 20_000;

/**
 * 0 to draw points, or the count per pixel that is to look full when shading by density.
 * @param {SpatialGrid} grid
 * @param {Camera} camera
 * @param {number} size_px
 * @param {boolean | null} wanted the reader's own choice, or null
 */
export function density(grid, camera, size_px, wanted) {
  const inView = grid.about(camera.view());
  const pointArea = size_px ** 2;
  const cellArea = (grid.cellSide * camera.scale) ** 2;
  const cells = inView / Math.max(1, grid.fullest / 4); // about as many cells as hold points
  const crowded = inView > MANY && (inView * pointArea) / Math.max(1, cells * cellArea) > CROWDED;
  if (!(wanted ?? crowded)) return 0;
  return Math.max(4, (grid.fullest * pointArea) / Math.max(1, cellArea));
}

const FIRST = 150_000;
const LEAST = 20_000;
const SLOW_MS = 45;
const QUICK_MS = 22;
const PAUSE_MS = 1_000;

/** How many points one frame may draw: fewer after slow frames, more after quick ones. */
export class FrameBudget {
  constructor() {
    this.points = FIRST;
    /** @type {number | null} */
    this.last_ms = null; // when the frame before began
  }

  /** @param {number} now_ms */
  next(now_ms) {
    const took_ms = this.last_ms === null ? null : now_ms - this.last_ms;
    if (took_ms !== null && took_ms > SLOW_MS && took_ms < PAUSE_MS) this.points = Math.max(LEAST, this.points * 0.7);
    else if (took_ms !== null && took_ms < QUICK_MS) this.points *= 1.3;
    this.last_ms = now_ms;
    return Math.round(this.points);
  }

  /** Nothing moves: the gap before the next frame does not measure the machine. */
  pause() {
    this.last_ms = null;
  }
}
