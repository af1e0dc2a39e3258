// Which renderer draws a map, and what to do when the graphics card goes away for a while.

import { el } from "../common/dom.js";
import { CanvasRenderer } from "./canvas.js";
import { GlRenderer } from "./gl.js";

/** @import { Camera } from "./camera.js" */
/** @import { Codes } from "./columns.js" */
/** @import { Points } from "./points.js" */

/**
 * Points `from` to `to` of the order, drawn over those before them unless `from` is 0.
 * @typedef {object} Frame
 * @property {Camera} camera
 * @property {number} ratio device pixels per CSS pixel
 * @property {number} from
 * @property {number} to
 * @property {number} size_px diameter of a point in CSS pixels
 * @property {number} peak above 0: shade by density, with so many points on a pixel drawn full
 */

/**
 * What both renderers do.
 * @typedef {object} Renderer
 * @property {HTMLCanvasElement} canvas
 * @property {string} name
 * @property {(points: Points, order: Uint32Array<ArrayBuffer>) => void} setPoints
 * @property {(codes: Codes) => void} setCodes
 * @property {(chosen: Uint8Array | null) => void} setChosen one byte per row, 0 for "not in the selection"; null: no selection
 * @property {(palette: Uint8Array<ArrayBuffer>) => void} setPalette RGBA bytes, one colour per code; alpha 0 hides the code
 * @property {(width_px: number, height_px: number) => void} resize
 * @property {(frame: Frame) => void} draw
 * @property {() => void} destroy
 */

// Measured with WebGL2 in software: a point costs 0.8 microseconds there and 0.2 written by the processor itself.
const MOST_IN_SOFTWARE = 50_000;

/**
 * A renderer on a canvas of its own for `n` points, with `note`: what a reader should know of it.
 * @param {number} n
 * @param {(context: "lost" | "restored") => void} changed called when the browser takes the graphics context and gives it back
 * @returns {{renderer: Renderer, note: string}}
 */
export function chooseRenderer(n, changed) {
  const canvas = el("canvas", {});
  const context = GlRenderer.context(canvas);
  if (!context) return byProcessor("no WebGL2");
  if (n > MOST_IN_SOFTWARE && isSoftware(context)) {
    context.getExtension("WEBGL_lose_context")?.loseContext();
    return byProcessor("no graphics acceleration");
  }
  const renderer = new GlRenderer(canvas, context);
  canvas.addEventListener("webglcontextlost", (event) => {
    event.preventDefault(); // asks the browser to give it back
    changed("lost");
  });
  canvas.addEventListener("webglcontextrestored", () => {
    renderer.restore();
    changed("restored");
  });
  return { renderer, note: "" };
}

/** @param {string} why */
const byProcessor = (why) => ({
  renderer: new CanvasRenderer(el("canvas", {})),
  note: `Drawn by the processor: this browser has ${why}.`,
});

/**
 * True where the "graphics card" is a program: SwiftShader in Chromium, llvmpipe on Linux, WARP on Windows.
 * @param {WebGL2RenderingContext} gl
 */
function isSoftware(gl) {
  const names = gl.getExtension("WEBGL_debug_renderer_info");
  const name = gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
  return /swiftshader|llvmpipe|softpipe|basic render/i.test(name);
}
