// Positions of all patches, quantised to 16 bits, as the server packs them (shared/point_buffers.py).

/** @typedef {[x: number, y: number]} XY in screen pixels, steps or map units, as its user says */
/** @typedef {[left: number, bottom: number, right: number, top: number]} Bounds in steps */
/** @typedef {(row: number) => boolean} RowFilter */

const MAGIC = 0x31545058; // "XPT1", little-endian
const HEADER_BYTES = 32;
const SPAN = 65535;

/**
 * Positions of all patches. `q` holds x and y interleaved in whole steps;
 * a position in map units is `x0 + q * step`, in double precision, here as on the server.
 */
export class Points {
  /** @param {ArrayBuffer} buffer */
  constructor(buffer) {
    const head = new DataView(buffer);
    if (buffer.byteLength < HEADER_BYTES || head.getUint32(0, true) !== MAGIC) throw new Error("not a point buffer");
    this.n = head.getUint32(4, true);
    this.x0 = head.getFloat64(8, true);
    this.y0 = head.getFloat64(16, true);
    this.step = head.getFloat64(24, true);
    if (buffer.byteLength !== HEADER_BYTES + 4 * this.n) throw new Error("point buffer is cut short");
    this.q = new Uint16Array(buffer, HEADER_BYTES, 2 * this.n);
  }

  /** No points, with steps of one unit. */
  static none() {
    const head = new DataView(new ArrayBuffer(HEADER_BYTES));
    head.setUint32(0, MAGIC, true);
    head.setFloat64(24, 1, true);
    return new Points(head.buffer);
  }

  /** @param {string} url */
  static async fetch(url) {
    return new Points(await fetchBytes(url));
  }

  /** @param {number} row */
  x(row) {
    return this.x0 + this.q[2 * row] * this.step;
  }

  /** @param {number} row */
  y(row) {
    return this.y0 + this.q[2 * row + 1] * this.step;
  }

  /**
   * Map units to steps (not rounded).
   * @param {Readonly<XY>} position
   * @returns {XY}
   */
  toSteps([x, y]) {
    return [(x - this.x0) / this.step, (y - this.y0) / this.step];
  }

  /**
   * Steps to map units.
   * @param {Readonly<XY>} position
   * @returns {XY}
   */
  toUnits([qx, qy]) {
    return [this.x0 + qx * this.step, this.y0 + qy * this.step];
  }

  /**
   * Smallest box around all points.
   * @returns {Bounds}
   */
  bounds() {
    if (this.n === 0) return [0, 0, SPAN, SPAN];
    /** @type {Bounds} */
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (let k = 0; k < 2 * this.n; k += 2) {
      const x = this.q[k];
      const y = this.q[k + 1];
      if (x < box[0]) box[0] = x;
      if (y < box[1]) box[1] = y;
      if (x > box[2]) box[2] = x;
      if (y > box[3]) box[3] = y;
    }
    return box;
  }
}

/**
 * An order that visits every row once and spreads any first part evenly over the whole:
 * steps of about the golden section of n, made coprime to n.
 * Drawing the first m of it is a fair sample, and no class lies on top only because its rows come last.
 * @param {number} n
 */
export function drawingOrder(n) {
  const order = new Uint32Array(n);
  let stride = Math.max(1, Math.round(n * 0.6180339887));
  while (gcd(stride, n) > 1) stride += 1;
  for (let k = 0, row = 0; k < n; k += 1) {
    order[k] = row;
    row += stride;
    if (row >= n) row -= n;
  }
  return order;
}

/** @type {(a: number, b: number) => number} */
function gcd(a, b) {
  return b === 0 ? a : gcd(b, a % b);
}

/**
 * The body of a response. Throws where the server refuses.
 * @param {string} url
 */
export async function fetchBytes(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return response.arrayBuffer();
}
