// The Canvas renderer, for browsers without WebGL2 and for crowded maps where WebGL2 is only imitated in software:
// there the processor writes pixels several times faster by itself. It has the same methods as the renderer in gl.js.

/** @import { Camera } from "./camera.js" */
/** @import { Codes } from "./columns.js" */
/** @import { Points } from "./points.js" */
/** @import { Frame } from "./renderers.js" */
/** @typedef {{side: number, scale: number, left: number, top: number}} Projection steps to pixels: column = left + x * scale, line = top - y * scale, of a square of `side` pixels */
/** @typedef {Projection & {from: number, to: number}} View points `from` to `to` of the order */

const OPACITY = 0.85;
const FAINT = 0.1; // opacity of what is not in the selection
const FAINT_WEIGHT = 0.02; // the same in density shading

export class CanvasRenderer {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    const context = canvas.getContext("2d");
    if (!context) throw new Error("this browser cannot draw on a canvas");
    this.canvas = canvas;
    this.context = context;
    this.name = "canvas2d";
    /** @type {Points | null} */
    this.points = null;
    this.order = new Uint32Array();
    /** @type {Codes} */
    this.codes = new Uint8Array();
    /** @type {Uint8Array | null} */
    this.chosen = null;
    this.palette = new Uint8Array();
    this.picture = context.createImageData(1, 1);
    this.pixels = new Uint32Array(this.picture.data.buffer);
    /** @type {Float32Array | null} */
    this.sums = null; // red, green, blue and weight of each pixel, for density shading
  }

  /**
   * @param {Points} points
   * @param {Uint32Array<ArrayBuffer>} order in which they are drawn
   */
  setPoints(points, order) {
    this.points = points;
    this.order = order;
  }

  /** @param {Codes} codes */
  setCodes(codes) {
    this.codes = codes;
  }

  /** @param {Uint8Array | null} chosen */
  setChosen(chosen) {
    this.chosen = chosen;
  }

  /** @param {Uint8Array<ArrayBuffer>} palette */
  setPalette(palette) {
    this.palette = palette;
  }

  /**
   * @param {number} width_px
   * @param {number} height_px
   */
  resize(width_px, height_px) {
    this.canvas.width = width_px;
    this.canvas.height = height_px;
    this.picture = this.context.createImageData(width_px, height_px);
    this.pixels = new Uint32Array(this.picture.data.buffer);
    this.sums = null;
  }

  /** @param {Frame} frame */
  draw({ camera, ratio, from, to, size_px, peak }) {
    if (!this.points) return;
    const view = { from, to, ...this.projection(camera, ratio, size_px) };
    if (peak > 0) this.shade(this.sum(view), peak);
    else this.paint(view);
    this.context.putImageData(this.picture, 0, 0);
  }

  /**
   * @param {Camera} camera
   * @param {number} ratio device pixels per CSS pixel
   * @param {number} size_px
   * @returns {Projection}
   */
  projection(camera, ratio, size_px) {
    const side = Math.max(1, Math.round(size_px * ratio));
    const scale = camera.scale * ratio;
    const left = this.picture.width / 2 - camera.x * scale - side / 2;
    const top = this.picture.height / 2 + camera.y * scale - side / 2;
    return { side, scale, left, top };
  }

  /**
   * One square per point; what is not selected lies beneath.
   * @param {View} view
   */
  paint(view) {
    const { codes, chosen, pixels } = this;
    if (view.from === 0) pixels.fill(0);
    const colours = this.packed(OPACITY);
    const faint = this.packed(FAINT);
    this.squares(view, (row, start, end, width) => {
      const lit = chosen === null || chosen[row] === 1;
      const colour = (lit ? colours : faint)[codes[row]];
      if (!colour) return;
      for (let line = start; line <= end; line += this.picture.width) {
        for (let at = line; at < line + width; at += 1) if (lit || pixels[at] === 0) pixels[at] = colour;
      }
    });
  }

  /**
   * Add each point's colour and weight to the pixels it covers.
   * @param {View} view
   */
  sum(view) {
    const { codes, chosen, palette } = this;
    const sums = (this.sums ??= new Float32Array(4 * this.pixels.length));
    if (view.from === 0) sums.fill(0);
    this.squares(view, (row, start, end, width) => {
      const entry = 4 * codes[row];
      if (!palette[entry + 3]) return;
      const weight = chosen === null || chosen[row] === 1 ? 1 : FAINT_WEIGHT;
      for (let line = start; line <= end; line += this.picture.width) {
        for (let at = 4 * line; at < 4 * (line + width); at += 4) {
          sums[at] += weight * palette[entry];
          sums[at + 1] += weight * palette[entry + 1];
          sums[at + 2] += weight * palette[entry + 2];
          sums[at + 3] += weight;
        }
      }
    });
    return sums;
  }

  /**
   * Turn the sums into a picture, by the same curve as in gl.js.
   * @param {Float32Array} sums
   * @param {number} peak
   */
  shade(sums, peak) {
    const { pixels } = this;
    const full = 1 / Math.log(1 + peak);
    for (let k = 0; k < pixels.length; k += 1) {
      const weight = sums[4 * k + 3];
      if (weight === 0) {
        pixels[k] = 0;
        continue;
      }
      const alpha = Math.min(1, 0.3 + 0.7 * Math.log(1 + weight) * full) * Math.min(1, weight);
      const [red, green, blue] = [sums[4 * k] / weight, sums[4 * k + 1] / weight, sums[4 * k + 2] / weight];
      pixels[k] = (Math.round(255 * alpha) << 24) | (Math.round(blue) << 16) | (Math.round(green) << 8) | Math.round(red);
    }
  }

  /**
   * Call `visit(row, start, end, width)` per point in view: first pixel of its first and last line, and pixels per line.
   * @param {View} view
   * @param {(row: number, start: number, end: number, width: number) => void} visit
   */
  squares({ from, to, side, scale, left, top }, visit) {
    const { order } = this;
    const q = this.points?.q ?? [];
    const { width, height } = this.picture;
    for (let k = from; k < to; k += 1) {
      const row = order[k];
      const x = Math.round(left + q[2 * row] * scale);
      const y = Math.round(top - q[2 * row + 1] * scale);
      if (x <= -side || y <= -side || x >= width || y >= height) continue;
      const first = x < 0 ? 0 : x;
      const start = y < 0 ? 0 : y;
      const last = y + side > height ? height - 1 : y + side - 1;
      visit(row, start * width + first, last * width + first, (x + side > width ? width : x + side) - first);
    }
  }

  /**
   * The palette as little-endian pixels, 0 where a code is hidden.
   * @param {number} opacity
   */
  packed(opacity) {
    const { palette } = this;
    const alpha = Math.round(255 * opacity);
    return Uint32Array.from({ length: palette.length / 4 }, (_, k) =>
      palette[4 * k + 3] ? ((alpha << 24) | (palette[4 * k + 2] << 16) | (palette[4 * k + 1] << 8) | palette[4 * k]) >>> 0 : 0,
    );
  }

  destroy() {
    this.canvas.width = this.canvas.height = 0;
  }
}
