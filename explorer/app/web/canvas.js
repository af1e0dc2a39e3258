// The Canvas renderer for browsers without WebGL2: points are written as squares into one pixel buffer.
// It has the same methods as the renderer in gl.js; density shading is left out.

const OPACITY = 0.85;
const FAINT = 0.1;

export class CanvasRenderer {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.name = "canvas2d";
    this.palette = new Uint8Array(0);
    this.chosen = null;
  }

  setPoints(points, order) {
    this.points = points;
    this.order = order;
  }

  setCodes(codes) {
    this.codes = codes;
  }

  setChosen(chosen) {
    this.chosen = chosen;
  }

  setPalette(palette) {
    this.palette = palette;
  }

  resize(width_px, height_px) {
    this.canvas.width = width_px;
    this.canvas.height = height_px;
    this.picture = this.context.createImageData(width_px, height_px);
  }

  draw({ camera, ratio, limit, size_px }) {
    const { points, order, codes, picture } = this;
    if (!points || !picture) return;
    const pixels = new Uint32Array(picture.data.buffer);
    pixels.fill(0);
    const { width, height } = picture;
    const side = Math.max(1, Math.round(size_px * ratio));
    const scale = camera.scale * ratio;
    const left = width / 2 - camera.x * scale - side / 2;
    const top = height / 2 + camera.y * scale - side / 2;
    const colours = this.packed(OPACITY);
    const faint = this.packed(FAINT);
    const put = (row, colour) => {
      const x = Math.round(left + points.q[2 * row] * scale);
      const y = Math.round(top - points.q[2 * row + 1] * scale);
      if (x <= -side || y <= -side || x >= width || y >= height) return;
      const from = Math.max(0, x);
      const to = Math.min(width, x + side);
      for (let line = Math.max(0, y); line < Math.min(height, y + side); line += 1) {
        pixels.fill(colour, line * width + from, line * width + to);
      }
    };
    const total = Math.min(limit, points.n);
    for (let pass = this.chosen ? 0 : 1; pass < 2; pass += 1) {
      for (let k = 0; k < total; k += 1) {
        const row = order[k];
        const lit = !this.chosen || this.chosen[row] === 1;
        if (lit !== (pass === 1)) continue; // what is not selected lies beneath
        const colour = (lit ? colours : faint)[codes[row]];
        if (colour) put(row, colour);
      }
    }
    this.context.putImageData(picture, 0, 0);
  }

  /** The palette as little-endian pixels, 0 where a code is hidden. */
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
