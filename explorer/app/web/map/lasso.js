// Shapes drawn on the map and the patches inside them.
// The server repeats this selection from the shapes alone (shared/selections.py), so the arithmetic is the same here and there:
// positions and corners in map units, double precision, even-odd rule.

/** @import { Codes } from "./columns.js" */
/** @import { Points, RowFilter, XY } from "./points.js" */
/** @import { SpatialGrid } from "./spatial.js" */

/** @typedef {"replace" | "add" | "subtract"} Mode how a shape joins the selection */

/**
 * One step of a selection.
 * @typedef {object} Shape
 * @property {Mode} mode
 * @property {XY[]} [polygon] corners in map units
 * @property {number[]} [rows]
 * @property {number[]} [classes] class numbers of `column`
 * @property {string} [column]
 * @property {number[]} [hidden] class numbers of `column` that the polygon leaves out
 */

const MAX_CORNERS = 48;

/**
 * Fewer corners for a drawn path (screen pixels), by Douglas and Peucker (1973); the tolerance grows until it fits.
 * @param {XY[]} path
 * @param {number} [max] corners
 */
export function simplify(path, max = MAX_CORNERS) {
  let tolerance_px = 0.75;
  let corners = peucker(path, tolerance_px);
  while (corners.length > max) {
    tolerance_px *= 1.5;
    corners = peucker(path, tolerance_px);
  }
  return corners;
}

/**
 * @param {XY[]} path
 * @param {number} tolerance
 */
function peucker(path, tolerance) {
  const keep = new Uint8Array(path.length);
  keep[0] = keep[path.length - 1] = 1;
  /** @type {[from: number, to: number][]} */
  const pending = [[0, path.length - 1]];
  for (let part = pending.pop(); part; part = pending.pop()) {
    const [from, to] = part;
    let worst = tolerance;
    let split = 0;
    for (let k = from + 1; k < to; k += 1) {
      const off = offset(path[k], path[from], path[to]);
      if (off > worst) {
        worst = off;
        split = k;
      }
    }
    if (split) {
      keep[split] = 1;
      pending.push([from, split], [split, to]);
    }
  }
  return path.filter((_, k) => keep[k]);
}

/**
 * Distance of a point from the stretch between two others.
 * @type {(point: XY, a: XY, b: XY) => number}
 */
function offset([x, y], [ax, ay], [bx, by]) {
  const dx = bx - ax;
  const dy = by - ay;
  const square = dx * dx + dy * dy;
  const t = square ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / square)) : 0;
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}

/**
 * Corners as they are sent: to a tenth of a step, so that a shape stays below a kilobyte; selected with the same numbers.
 * @param {XY[]} corners map units
 * @param {number} step
 * @returns {XY[]}
 */
export function rounded(corners, step) {
  const decimals = Math.min(15, Math.max(0, Math.ceil(-Math.log10(step)) + 1));
  /** @param {number} value */
  const round = (value) => Number(value.toFixed(decimals));
  return corners.map(([x, y]) => [round(x), round(y)]);
}

/**
 * The four corners of the box between two opposite ones.
 * @param {XY} a
 * @param {XY} b
 * @returns {XY[]}
 */
export const box = ([ax, ay], [bx, by]) => [
  [ax, ay],
  [bx, ay],
  [bx, by],
  [ax, by],
];

/**
 * Call `found(row)` for each wanted row inside the polygon (map units).
 * @param {XY[]} polygon
 * @param {Points} points
 * @param {SpatialGrid} grid
 * @param {RowFilter} wanted
 * @param {(row: number) => void} found
 */
function inside(polygon, points, grid, wanted, found) {
  const xs = polygon.map(([x]) => x);
  const ys = polygon.map(([, y]) => y);
  const low = points.toSteps([Math.min(...xs), Math.min(...ys)]);
  const high = points.toSteps([Math.max(...xs), Math.max(...ys)]);
  /** @type {[XY, XY][]} */
  const edges = polygon.map((corner, k) => [polygon[(k || polygon.length) - 1], corner]);
  grid.lines([low[0] - 1, low[1] - 1, high[0] + 1, high[1] + 1], (from, to, j) => {
    const bottom = points.y0 + (j * grid.cellSide - 1) * points.step;
    const top = points.y0 + ((j + 1) * grid.cellSide + 1) * points.step;
    // An edge wholly above or below this line of cells crosses no ray from a point in it.
    const near = edges.filter(([a, b]) => Math.max(a[1], b[1]) >= bottom && Math.min(a[1], b[1]) <= top);
    for (let k = from; k < to; k += 1) {
      const row = grid.rows[k];
      if (oddCrossings(points.x(row), points.y(row), near) && wanted(row)) found(row);
    }
  });
}

/**
 * Whether a ray from (x, y) to the right crosses an odd number of edges.
 * @param {number} x
 * @param {number} y
 * @param {[XY, XY][]} edges
 */
function oddCrossings(x, y, edges) {
  let odd = false;
  for (const [[bx, by], [ax, ay]] of edges) {
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
  }
  return odd;
}

/**
 * The rows selected by shapes in turn, as one byte per row; null where nothing was ever drawn.
 * @param {Shape[]} shapes
 * @param {Points} points
 * @param {SpatialGrid} grid
 * @param {(column: string) => Codes | undefined} codes class numbers of a column, where they are known
 */
export function select(shapes, points, grid, codes) {
  if (!shapes.length) return null;
  const chosen = new Uint8Array(points.n);
  for (const shape of shapes) {
    if (shape.mode === "replace") chosen.fill(0);
    const value = shape.mode === "subtract" ? 0 : 1;
    /** @param {number} row */
    const mark = (row) => {
      chosen[row] = value;
    };
    const own = shape.column === undefined ? undefined : codes(shape.column);
    const hidden = new Set(own ? shape.hidden : []);
    const classes = new Set(own ? shape.classes : []);
    /** @type {RowFilter} */
    const wanted = own && hidden.size ? (row) => !hidden.has(own[row]) : () => true;
    if (shape.polygon) inside(shape.polygon, points, grid, wanted, mark);
    shape.rows?.forEach(mark);
    if (classes.size) own?.forEach((code, row) => classes.has(code) && mark(row));
  }
  return chosen;
}
