// The WebGL2 renderer: all points in one draw call, colours from a palette texture, density by summing and shading.
// It has the same methods as the Canvas renderer in canvas.js.

const POINTS_VERTEX = `#version 300 es
in vec2 position;
in uint code;
in uint chosen;
uniform vec4 view;          // clip = position * view.xy + view.zw
uniform float size_px;
uniform float opacity;
uniform float faint;        // opacity of what is not in the selection
uniform bool selecting;
uniform sampler2D palette;  // alpha 0: hidden
out vec4 colour;
void main() {
  int c = int(code);
  vec4 entry = texelFetch(palette, ivec2(c & 255, c >> 8), 0);
  gl_Position = entry.a > 0.0 ? vec4(position * view.xy + view.zw, 0.0, 1.0) : vec4(2.0, 2.0, 2.0, 1.0);
  gl_PointSize = size_px;
  colour = vec4(entry.rgb, selecting && chosen == 0u ? faint : opacity);
}`;

const POINTS_FRAGMENT = `#version 300 es
precision highp float;
in vec4 colour;
uniform float size_px;
out vec4 pixel;
void main() {
  float alpha = colour.a;
  if (size_px > 2.5) {
    float radius = length(gl_PointCoord - 0.5) * size_px;
    alpha *= clamp(size_px * 0.5 - radius + 0.5, 0.0, 1.0);
  }
  pixel = vec4(colour.rgb * alpha, alpha);
}`;

const SHADE_VERTEX = `#version 300 es
void main() {
  gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0);
}`;

const SHADE_FRAGMENT = `#version 300 es
precision highp float;
uniform sampler2D sums;
uniform float peak;
out vec4 pixel;
void main() {
  vec4 sum = texelFetch(sums, ivec2(gl_FragCoord.xy), 0);
  float alpha = sum.a > 0.0 ? clamp(0.3 + 0.7 * log(1.0 + sum.a) / log(1.0 + peak), 0.0, 1.0) * min(1.0, sum.a) : 0.0;
  pixel = sum.a > 0.0 ? vec4(sum.rgb / sum.a * alpha, alpha) : vec4(0.0);
}`;

const PALETTE_WIDTH = 256;
const LOOK = { opacity: 0.85, faint: 0.1 };

export class GlRenderer {
  /** The context of a canvas, or null where the browser has no WebGL2. */
  static context(canvas) {
    return canvas.getContext("webgl2", { antialias: false, preserveDrawingBuffer: true });
  }

  constructor(gl) {
    this.canvas = gl.canvas;
    this.gl = gl;
    this.name = "webgl2";
    this.held = {}; // what was given last, to give it again after a lost context
    this.build();
  }

  build() {
    const { gl } = this;
    this.floats = Boolean(gl.getExtension("EXT_color_buffer_float") || gl.getExtension("EXT_color_buffer_half_float"));
    this.points = program(gl, POINTS_VERTEX, POINTS_FRAGMENT, ["position", "code", "chosen"]);
    this.shade = program(gl, SHADE_VERTEX, SHADE_FRAGMENT, []);
    this.buffers = { position: gl.createBuffer(), code: gl.createBuffer(), chosen: gl.createBuffer() };
    this.palette = gl.createTexture();
    this.sums = null;
    this.vertices = gl.createVertexArray();
    this.nothing = gl.createVertexArray();
    gl.enable(gl.BLEND);
  }

  /** After the browser gave the context back: everything is built and filled again. */
  restore() {
    this.build();
    const { points, order, codes, chosen, palette } = this.held;
    if (!points) return;
    this.setPoints(points, order);
    this.setCodes(codes);
    this.setChosen(chosen);
    this.setPalette(palette);
  }

  setPoints(points, order) {
    Object.assign(this.held, { points, order });
    const xy = new Uint16Array(2 * points.n);
    for (let k = 0; k < points.n; k += 1) {
      const row = order[k];
      xy[2 * k] = points.q[2 * row];
      xy[2 * k + 1] = points.q[2 * row + 1];
    }
    this.fill("position", xy);
    this.gl.vertexAttribPointer(0, 2, this.gl.UNSIGNED_SHORT, false, 0, 0);
  }

  setCodes(codes) {
    this.held.codes = codes;
    this.fill("code", this.ordered(codes));
    const type = codes.BYTES_PER_ELEMENT === 1 ? this.gl.UNSIGNED_BYTE : this.gl.UNSIGNED_SHORT;
    this.gl.vertexAttribIPointer(1, 1, type, 0, 0);
  }

  /** One byte per row, 0 for "not in the selection"; null where there is none. */
  setChosen(chosen) {
    this.held.chosen = chosen;
    if (chosen) {
      this.fill("chosen", this.ordered(chosen));
      this.gl.vertexAttribIPointer(2, 1, this.gl.UNSIGNED_BYTE, 0, 0);
    } else {
      this.gl.bindVertexArray(this.vertices);
      this.gl.disableVertexAttribArray(2);
      this.gl.vertexAttribI4ui(2, 0, 0, 0, 0);
    }
  }

  /** RGBA bytes, one colour per code; alpha 0 hides the code. */
  setPalette(palette) {
    this.held.palette = palette;
    const { gl } = this;
    const rows = Math.max(1, Math.ceil(palette.length / 4 / PALETTE_WIDTH));
    const texels = new Uint8Array(4 * PALETTE_WIDTH * rows);
    texels.set(palette);
    gl.bindTexture(gl.TEXTURE_2D, this.palette);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, PALETTE_WIDTH, rows, 0, gl.RGBA, gl.UNSIGNED_BYTE, texels);
    sharp(gl);
  }

  ordered(values) {
    const { order } = this.held;
    const out = new values.constructor(values.length);
    for (let k = 0; k < out.length; k += 1) out[k] = values[order[k]];
    return out;
  }

  fill(name, data) {
    const { gl } = this;
    const place = ["position", "code", "chosen"].indexOf(name);
    gl.bindVertexArray(this.vertices);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[name]);
    gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(place);
  }

  resize(width_px, height_px) {
    this.canvas.width = width_px;
    this.canvas.height = height_px;
    this.gl.deleteTexture(this.sums?.texture ?? null);
    this.gl.deleteFramebuffer(this.sums?.frame ?? null);
    this.sums = null;
  }

  /**
   * Draw points `from` to `to` of the order, over those drawn before unless `from` is 0.
   * `peak` > 0 asks for density shading in which so many points on a pixel are full.
   */
  draw({ camera, ratio, from, to, size_px, peak }) {
    const { gl, held } = this;
    if (!held.points || gl.isContextLost()) return;
    const dense = peak > 0 && this.floats;
    const sums = dense ? (this.sums ??= this.target()) : null;
    gl.bindFramebuffer(gl.FRAMEBUFFER, sums?.frame ?? null);
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(0, 0, 0, 0);
    if (from === 0) gl.clear(gl.COLOR_BUFFER_BIT);
    gl.blendFunc(gl.ONE, dense ? gl.ONE : gl.ONE_MINUS_SRC_ALPHA);

    const { program: points, at } = this.points;
    gl.useProgram(points);
    gl.bindVertexArray(this.vertices);
    gl.bindTexture(gl.TEXTURE_2D, this.palette);
    const sx = (2 * camera.scale) / camera.width;
    const sy = (2 * camera.scale) / camera.height;
    gl.uniform4f(at("view"), sx, sy, -camera.x * sx, -camera.y * sy);
    gl.uniform1f(at("size_px"), size_px * ratio);
    gl.uniform1f(at("opacity"), dense ? 1 : LOOK.opacity);
    gl.uniform1f(at("faint"), dense ? 0.02 : LOOK.faint);
    gl.uniform1i(at("selecting"), held.chosen ? 1 : 0);
    gl.drawArrays(gl.POINTS, from, to - from);
    if (dense) this.resolve(peak);
  }

  /** Turn the sums of colours and counts into a picture. */
  resolve(peak) {
    const { gl } = this;
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.useProgram(this.shade.program);
    gl.bindVertexArray(this.nothing);
    gl.bindTexture(gl.TEXTURE_2D, this.sums.texture);
    gl.uniform1f(this.shade.at("peak"), peak);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  target() {
    const { gl } = this;
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA16F, this.canvas.width, this.canvas.height);
    sharp(gl);
    const frame = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, frame);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
    return { texture, frame };
  }

  /** Give the context back at once; browsers allow only a few. */
  destroy() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

function sharp(gl) {
  for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, side, gl.NEAREST);
}

function program(gl, vertex, fragment, attributes) {
  const made = gl.createProgram();
  for (const [kind, text] of [
    [gl.VERTEX_SHADER, vertex],
    [gl.FRAGMENT_SHADER, fragment],
  ]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  attributes.forEach((name, place) => gl.bindAttribLocation(made, place, name));
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(made));
  const places = new Map();
  const at = (name) => {
    if (!places.has(name)) places.set(name, gl.getUniformLocation(made, name));
    return places.get(name);
  };
  return { program: made, at };
}
