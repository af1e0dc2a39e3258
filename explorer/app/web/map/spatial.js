// A uniform grid over the 16-bit positions: nearest point, points in a box, how many in view.

import { clamp } from "../common/dom.js";

/** @import { Bounds, Points, RowFilter } from "./points.js" */

const PER_CELL = 4;

export class SpatialGrid {
  /**
   * Rows sorted by cell with one counting sort.
   * @param {Points} points
   */
  constructor(points) {
    const { n, q } = points;
    this.q = q;
    this.bits = clamp(Math.ceil(Math.log2(Math.max(1, n / PER_CELL)) / 2), 3, 10);
    this.side = 1 << this.bits;
    this.shift = 16 - this.bits;
    const start = new Uint32Array(this.side * this.side + 1);
    const cells = new Uint32Array(n);
    for (let i = 0; i < n; i += 1) {
      const cell = ((q[2 * i + 1] >> this.shift) << this.bits) | (q[2 * i] >> this.shift);
      cells[i] = cell;
      start[cell + 1] += 1;
    }
    this.fullest = 0; // most points in one cell
    for (let cell = 0; cell < this.side * this.side; cell += 1) {
      this.fullest = Math.max(this.fullest, start[cell + 1]);
      start[cell + 1] += start[cell];
    }
    const next = start.slice();
    this.rows = new Uint32Array(n);
    for (let i = 0; i < n; i += 1) this.rows[next[cells[i]]++] = i;
    this.start = start;
  }

  /** @param {number} steps along one axis */
  cell(steps) {
    return clamp(Math.floor(steps) >> this.shift, 0, this.side - 1);
  }

  /** Steps along one side of a cell. */
  get cellSide() {
    return 1 << this.shift;
  }

  /**
   * Call `visit(from, to, j)` with stretches of `rows` that cover the box, one per line j of cells.
   * @param {Readonly<Bounds>} box
   * @param {(from: number, to: number, j: number) => void} visit
   */
  lines([left, bottom, right, top], visit) {
    if (right < 0 || top < 0 || left > 65535 || bottom > 65535) return;
    const first = this.cell(left);
    const last = this.cell(right);
    for (let j = this.cell(bottom); j <= this.cell(top); j += 1) {
      const line = j << this.bits;
      visit(this.start[line + first], this.start[line + last + 1], j);
    }
  }

  /**
   * About how many points lie in the box (whole cells).
   * @param {Readonly<Bounds>} box
   */
  about(box) {
    let total = 0;
    this.lines(box, (from, to) => {
      total += to - from;
    });
    return total;
  }

  /**
   * Wanted rows in the box, in no particular order.
   * @param {Readonly<Bounds>} box
   * @param {RowFilter} wanted
   */
  within(box, wanted) {
    const [left, bottom, right, top] = box;
    const { q, rows } = this;
    /** @type {number[]} */
    const found = [];
    this.lines(box, (from, to) => {
      for (let k = from; k < to; k += 1) {
        const row = rows[k];
        const x = q[2 * row];
        const y = q[2 * row + 1];
        if (x >= left && x <= right && y >= bottom && y <= top && wanted(row)) found.push(row);
      }
    });
    return found;
  }

  /**
   * The wanted row nearest to (x, y) within `radius` steps, or -1.
   * @param {number} x
   * @param {number} y
   * @param {number} radius
   * @param {RowFilter} wanted
   */
  nearest(x, y, radius, wanted) {
    const { q, rows } = this;
    let best = -1;
    let least = radius * radius;
    this.lines([x - radius, y - radius, x + radius, y + radius], (from, to) => {
      for (let k = from; k < to; k += 1) {
        const row = rows[k];
        const dx = q[2 * row] - x;
        const dy = q[2 * row + 1] - y;
        const square = dx * dx + dy * dy;
        if (square <= least && wanted(row)) {
          least = square;
          best = row;
        }
      }
    });
    return best;
  }
}
