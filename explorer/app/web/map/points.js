// Buffers from the server: positions quantised to 16 bits, and one code per patch for its colour.

const MAGIC = 0x31545058; // "XPT1", little-endian
const HEADER_BYTES = 32;
const SPAN = 65535;

/**
 * Positions of all patches. `q` holds x and y interleaved in whole steps;
 * a position in map units is `x0 + q * step`, in double precision, here as on the server.
 */
export class Points {
  constructor(buffer) {
    const head = new DataView(buffer);
    if (buffer.byteLength < HEADER_BYTES || head.getUint32(0, true) !== MAGIC) throw new Error("not a point buffer");
    this.n = head.getUint32(4, true);
    this.x0 = head.getFloat64(8, true);
    this.y0 = head.getFloat64(16, true);
    this.step = head.getFloat64(24, true);
    if (buffer.byteLength !== HEADER_BYTES + 4 * this.n) throw new Error("point buffer is cut short");
    this.q = new Uint16Array(buffer, HEADER_BYTES, 2 * this.n);
    this.bytes = buffer.byteLength;
  }

  static async fetch(url) {
    return new Points(await bytes(url));
  }

  x(i) {
    return this.x0 + this.q[2 * i] * this.step;
  }

  y(i) {
    return this.y0 + this.q[2 * i + 1] * this.step;
  }

  /** Map units to steps (not rounded). */
  toSteps([x, y]) {
    return [(x - this.x0) / this.step, (y - this.y0) / this.step];
  }

  toUnits([qx, qy]) {
    return [this.x0 + qx * this.step, this.y0 + qy * this.step];
  }

  /** Smallest box around all points, in steps: [left, bottom, right, top]. */
  bounds() {
    if (this.n === 0) return [0, 0, SPAN, SPAN];
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
 */
export function spread(n) {
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

function gcd(a, b) {
  return b === 0 ? a : gcd(b, a % b);
}

/** Number of colour steps of a continuous column; the code after them means "no value". */
export const STEPS = 255;

const KINDS = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array };

/** What a column's buffer holds; null where there is no column. */
export async function fetchValues(column) {
  return column ? new KINDS[column.dtype](await bytes(column.url)) : null;
}

/** Codes for the renderer, one per patch: class numbers, or steps of a ramp with `STEPS` for "no value". */
export function codesOf(column, values, n) {
  if (!column) return new Uint8Array(n);
  if (values.length !== n) throw new Error(`the column holds ${values.length} values for ${n} patches`);
  return column.kind === "continuous" ? ramp(values, column.low, column.high) : values;
}

function ramp(values, low, high) {
  const codes = new Uint8Array(values.length);
  const scale = high > low ? (STEPS - 1) / (high - low) : 0;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i];
    codes[i] = Number.isFinite(value) ? Math.min(STEPS - 1, Math.max(0, Math.round((value - low) * scale))) : STEPS;
  }
  return codes;
}

async function bytes(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  return answer.arrayBuffer();
}
