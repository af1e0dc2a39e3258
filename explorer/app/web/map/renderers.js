// Which renderer draws a map, and what to do when the graphics card goes away for a while.

import { CanvasRenderer } from "./canvas.js";
import { el } from "../common/dom.js";
import { GlRenderer } from "./gl.js";

// Measured with WebGL2 in software: a point costs 0.8 microseconds there and 0.2 written by the processor itself.
const MOST_IN_SOFTWARE = 50_000;

/**
 * A renderer on a canvas of its own for `n` points, with `note`: what a reader should know of it.
 * `changed("lost" | "restored")` is called when the browser takes the graphics context and gives it back.
 */
export function choose(n, changed) {
  const canvas = el("canvas", {});
  const context = GlRenderer.context(canvas);
  if (!context) return plain("no WebGL2");
  if (n > MOST_IN_SOFTWARE && imitated(context)) {
    context.getExtension("WEBGL_lose_context")?.loseContext();
    return plain("no graphics acceleration");
  }
  const renderer = new GlRenderer(context);
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

const plain = (why) => ({ renderer: new CanvasRenderer(el("canvas", {})), note: `Drawn by the processor: this browser has ${why}.` });

/** True where the "graphics card" is a program: SwiftShader in Chromium, llvmpipe on Linux, WARP on Windows. */
function imitated(gl) {
  const names = gl.getExtension("WEBGL_debug_renderer_info");
  const name = gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
  return /swiftshader|llvmpipe|softpipe|basic render/i.test(name);
}
