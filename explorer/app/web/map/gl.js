// The WebGL2 renderer: all points in one draw call, colours from a palette texture, density by summing and shading.
// It has the same methods as the Canvas renderer in canvas.js.

/** @import { Codes } from "./columns.js" */
/** @import { Points } from "./points.js" */
/** @import { Frame } from "./renderers.js" */

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
const ATTRIBUTES = /** @type {const} */ (["position", "code", "chosen"]);
/** @typedef {typeof ATTRIBUTES[number]} Attribute */

export class GlRenderer {
  /**
   * The context of a canvas, or null where the browser has no WebGL2.
   * @param {HTMLCanvasElement} canvas
   */
  static context(canvas) {
    return canvas.getContext("webgl2", { antialias: false, preserveDrawingBuffer: true });
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {WebGL2RenderingContext} gl its context
   */
  constructor(canvas, gl) {
    this.canvas = canvas;
    this.gl = gl;
    this.name = "webgl2";
    this.parts = build(gl);
    /** @type {{texture: WebGLTexture, frame: WebGLFramebuffer} | null} */
    this.sums = null; // what density shading adds up in
    // What was given last, to give it again after a lost context:
    /** @type {Points | null} */
    this.points = null;
    this.order = new Uint32Array();
    /** @type {Codes} */
    this.codes = new Uint8Array();
    /** @type {Uint8Array | null} */
    this.chosen = null;
    this.palette = new Uint8Array();
  }

  /** After the browser gave the context back: everything is built and filled again. */
  restore() {
    this.parts = build(this.gl);
    this.sums = null;
    if (!this.points) return;
    this.setPoints(this.points, this.order);
    this.setCodes(this.codes);
    this.setChosen(this.chosen);
    this.setPalette(this.palette);
  }

  /**
   * @param {Points} points
   * @param {Uint32Array<ArrayBuffer>} order in which they are drawn
   */
  setPoints(points, order) {
    Object.assign(this, { points, order });
    const xy = new Uint16Array(2 * points.n);
    for (let k = 0; k < points.n; k += 1) {
      const row = order[k];
      xy[2 * k] = points.q[2 * row];
      xy[2 * k + 1] = points.q[2 * row + 1];
    }
    this.fill("position", xy);
    this.gl.vertexAttribPointer(0, 2, this.gl.UNSIGNED_SHORT, false, 0, 0);
  }

  /** @param {Codes} codes */
  setCodes(codes) {
    this.codes = codes;
    this.fill("code", this.ordered(codes));
    const type = codes.BYTES_PER_ELEMENT === 1 ? this.gl.UNSIGNED_BYTE : this.gl.UNSIGNED_SHORT;
    this.gl.vertexAttribIPointer(1, 1, type, 0, 0);
  }

  /**
   * One byte per row, 0 for "not in the selection"; null where there is none.
   * @param {Uint8Array | null} chosen
   */
  setChosen(chosen) {
    this.chosen = chosen;
    if (chosen) {
      this.fill("chosen", this.ordered(chosen));
      this.gl.vertexAttribIPointer(2, 1, this.gl.UNSIGNED_BYTE, 0, 0);
    } else {
      this.gl.bindVertexArray(this.parts.vertices);
      this.gl.disableVertexAttribArray(2);
      this.gl.vertexAttribI4ui(2, 0, 0, 0, 0);
    }
  }

  /**
   * RGBA bytes, one colour per code; alpha 0 hides the code.
   * @param {Uint8Array<ArrayBuffer>} palette
   */
  setPalette(palette) {
    this.palette = palette;
    const { gl } = this;
    const rows = Math.max(1, Math.ceil(palette.length / 4 / PALETTE_WIDTH));
    const texels = new Uint8Array(4 * PALETTE_WIDTH * rows);
    texels.set(palette);
    gl.bindTexture(gl.TEXTURE_2D, this.parts.palette);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, PALETTE_WIDTH, rows, 0, gl.RGBA, gl.UNSIGNED_BYTE, texels);
    sharpen(gl);
  }

  /**
   * Values by row in the order in which points are drawn.
   * @param {Codes} values
   */
  ordered(values) {
    const out = values instanceof Uint8Array ? new Uint8Array(values.length) : new Uint16Array(values.length);
    for (let k = 0; k < out.length; k += 1) out[k] = values[this.order[k]];
    return out;
  }

  /**
   * @param {Attribute} name
   * @param {Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>} data
   */
  fill(name, data) {
    const { gl, parts } = this;
    gl.bindVertexArray(parts.vertices);
    gl.bindBuffer(gl.ARRAY_BUFFER, parts.buffers[name]);
    gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(ATTRIBUTES.indexOf(name));
  }

  /**
   * @param {number} width_px
   * @param {number} height_px
   */
  resize(width_px, height_px) {
    this.canvas.width = width_px;
    this.canvas.height = height_px;
    this.gl.deleteTexture(this.sums?.texture ?? null);
    this.gl.deleteFramebuffer(this.sums?.frame ?? null);
    this.sums = null;
  }

  /** @param {Frame} frame */
  draw({ camera, ratio, from, to, size_px, peak }) {
    const { gl, parts } = this;
    if (!this.points || gl.isContextLost()) return;
    const sums = peak > 0 && parts.floats ? (this.sums ??= this.target()) : null;
    gl.bindFramebuffer(gl.FRAMEBUFFER, sums?.frame ?? null);
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(0, 0, 0, 0);
    if (from === 0) gl.clear(gl.COLOR_BUFFER_BIT);
    gl.blendFunc(gl.ONE, sums ? gl.ONE : gl.ONE_MINUS_SRC_ALPHA);

    const { program, at } = parts.points;
    gl.useProgram(program);
    gl.bindVertexArray(parts.vertices);
    gl.bindTexture(gl.TEXTURE_2D, parts.palette);
    const sx = (2 * camera.scale) / camera.width;
    const sy = (2 * camera.scale) / camera.height;
    gl.uniform4f(at("view"), sx, sy, -camera.x * sx, -camera.y * sy);
    gl.uniform1f(at("size_px"), size_px * ratio);
    gl.uniform1f(at("opacity"), sums ? 1 : LOOK.opacity);
    gl.uniform1f(at("faint"), sums ? 0.02 : LOOK.faint);
    gl.uniform1i(at("selecting"), this.chosen ? 1 : 0);
    gl.drawArrays(gl.POINTS, from, to - from);
    if (sums) this.resolve(sums.texture, peak);
  }

  /**
   * Turn the sums of colours and counts into a picture.
   * @param {WebGLTexture} sums
   * @param {number} peak
   */
  resolve(sums, peak) {
    const { gl } = this;
    const { program, at } = this.parts.shade;
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.useProgram(program);
    gl.bindVertexArray(this.parts.noVertices);
    gl.bindTexture(gl.TEXTURE_2D, sums);
    gl.uniform1f(at("peak"), peak);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  /** A frame buffer of the canvas's size, of floating-point numbers. */
  target() {
    const { gl } = this;
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA16F, this.canvas.width, this.canvas.height);
    sharpen(gl);
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

/**
 * Programs, buffers and textures, all of them empty.
 * @param {WebGL2RenderingContext} gl
 */
function build(gl) {
  gl.enable(gl.BLEND);
  return {
    floats: Boolean(gl.getExtension("EXT_color_buffer_float") || gl.getExtension("EXT_color_buffer_half_float")),
    points: linked(gl, POINTS_VERTEX, POINTS_FRAGMENT, ATTRIBUTES),
    shade: linked(gl, SHADE_VERTEX, SHADE_FRAGMENT, []),
    buffers: { position: gl.createBuffer(), code: gl.createBuffer(), chosen: gl.createBuffer() },
    palette: gl.createTexture(),
    vertices: gl.createVertexArray(),
    noVertices: gl.createVertexArray(),
  };
}

/**
 * Read texels as they are, without a mean of their neighbours.
 * @param {WebGL2RenderingContext} gl
 */
function sharpen(gl) {
  for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST);
}

/**
 * A program and a function that gives the place of a uniform.
 * @param {WebGL2RenderingContext} gl
 * @param {string} vertex source
 * @param {string} fragment source
 * @param {readonly string[]} attributes
 */
function linked(gl, vertex, fragment, attributes) {
  const program = gl.createProgram();
  gl.attachShader(program, compiled(gl, gl.VERTEX_SHADER, vertex));
  gl.attachShader(program, compiled(gl, gl.FRAGMENT_SHADER, fragment));
  attributes.forEach((name, place) => gl.bindAttribLocation(program, place, name));
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(program) ?? "");
  /** @type {Map<string, WebGLUniformLocation | null>} */
  const places = new Map();
  /** @param {string} name */
  const at = (name) => {
    const known = places.get(name);
    if (known !== undefined) return known;
    const place = gl.getUniformLocation(program, name);
    places.set(name, place);
    return place;
  };
  return { program, at };
}

/**
 * @param {WebGL2RenderingContext} gl
 * @param {number} kind
 * @param {string} source
 */
function compiled(gl, kind, source) {
  const shader = gl.createShader(kind);
  if (!shader) throw new Error("no shader"); // the context is lost
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  return shader;
}
