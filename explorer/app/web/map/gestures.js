// Pointer, wheel, touch and keyboard on the stage, turned into a few calls on the actions.

/** @import { Actions } from "./actions.js" */
/** @import { Mode } from "./lasso.js" */
/** @import { XY } from "./points.js" */
/** @typedef {Map<number, XY>} Pointers positions on the stage by pointer id */

const CLICK_PX = 5; // a press that moves less is a click
const PATH_PX = 2; // a drawn path takes a point each time the pointer has moved this far
const PAN_PX = 60;
const ZOOM_STEP = 1.4;
const WHEEL = 0.0016;

/**
 * How a shape joins the selection: Shift adds, Alt takes away.
 * @param {MouseEvent | KeyboardEvent} event
 * @returns {Mode}
 */
export const mode = (event) => (event.altKey ? "subtract" : event.shiftKey ? "add" : "replace");

/**
 * Listen on `stage` and hand everything to the map's `Actions`. Returns a function that stops listening.
 * @param {HTMLElement} stage
 * @param {Actions} actions
 */
export function listen(stage, actions) {
  const stop = new AbortController();
  const options = { signal: stop.signal, passive: false };
  /** @type {Pointers} */
  const pointers = new Map();
  /** @type {XY[] | null} */
  let path = null; // of the shape being drawn
  /** @type {"lasso" | "box"} */
  let kind = "lasso";
  let moved = 0;
  let spread = 0; // distance of two fingers

  /**
   * Where on the stage the pointer is.
   * @param {MouseEvent} event
   * @returns {XY}
   */
  const at = (event) => {
    const frame = stage.getBoundingClientRect();
    return [event.clientX - frame.left - stage.clientLeft, event.clientY - frame.top - stage.clientTop];
  };

  /** @param {PointerEvent} event */
  function down(event) {
    if (event.button !== 0) return;
    stage.classList.add("by-pointer");
    stage.focus({ preventScroll: true });
    stage.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, at(event));
    moved = 0;
    if (pointers.size === 2) {
      cancel(); // two fingers pinch; they do not draw
      spread = distance(pointers);
    } else if (actions.tool !== "pan" || event.shiftKey || event.altKey) {
      kind = actions.tool === "box" ? "box" : "lasso";
      path = [at(event)];
    }
  }

  /** @param {PointerEvent} event */
  function move(event) {
    const here = at(event);
    const last = pointers.get(event.pointerId);
    if (!last || pointers.size === 2) {
      if (last) pinch(event, here);
      else actions.hover(here);
      return;
    }
    moved += Math.hypot(here[0] - last[0], here[1] - last[1]);
    if (!path) {
      if (moved > CLICK_PX) actions.pan(here[0] - last[0], here[1] - last[1]);
    } else if (kind === "box") {
      path = [path[0], here];
      actions.drawing(path, kind);
    } else {
      // The browser gathers fast movement into one event; its parts make the path smooth.
      const parts = event.getCoalescedEvents();
      for (const part of parts.length ? parts : [event]) extend(path, at(part));
      actions.drawing(path, kind);
    }
    pointers.set(event.pointerId, here);
  }

  /**
   * @param {PointerEvent} event
   * @param {XY} here
   */
  function pinch(event, here) {
    const before = middle(pointers);
    pointers.set(event.pointerId, here);
    const [x, y] = middle(pointers);
    actions.pan(x - before[0], y - before[1]);
    const now = distance(pointers);
    if (spread > 0) actions.zoomAt(x, y, now / spread);
    spread = now;
    moved = Infinity;
  }

  /** @param {PointerEvent} event */
  function up(event) {
    if (!pointers.delete(event.pointerId)) return;
    const drawn = path;
    cancel();
    if (moved <= CLICK_PX) actions.click(at(event));
    else if (drawn) actions.drawn(drawn, kind, mode(event));
  }

  function cancel() {
    path = null;
    actions.drawing(null, kind);
  }

  /** @param {PointerEvent} event */
  function lost(event) {
    pointers.delete(event.pointerId);
    cancel();
  }

  /** @param {WheelEvent} event */
  function wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    actions.zoomAt(...at(event), Math.exp(-event.deltaY * lines * WHEEL));
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    stage.classList.remove("by-pointer");
    if (event.ctrlKey || event.metaKey) return;
    const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation(); // the page has keys of its own
    if (event.key === "Escape" && path) {
      cancel();
      moved = Infinity; // what the hand does until it lets go is no click
    } else act(actions, event);
  }

  stage.addEventListener("pointerdown", down, options);
  stage.addEventListener("pointermove", move, options);
  stage.addEventListener("pointerup", up, options);
  stage.addEventListener("pointercancel", lost, options);
  stage.addEventListener("pointerleave", () => pointers.size || actions.leave(), options);
  stage.addEventListener("blur", () => stage.classList.remove("by-pointer"), options);
  stage.addEventListener("dblclick", (event) => actions.open(at(event)), options);
  stage.addEventListener("wheel", wheel, options);
  stage.addEventListener("keydown", key, options);
  return () => stop.abort();
}

/** @type {Record<string, (actions: Actions, event: KeyboardEvent) => void>} */
const KEYS = {
  ArrowLeft: (actions) => actions.pan(PAN_PX, 0),
  ArrowRight: (actions) => actions.pan(-PAN_PX, 0),
  ArrowUp: (actions) => actions.pan(0, PAN_PX),
  ArrowDown: (actions) => actions.pan(0, -PAN_PX),
  "+": (actions) => actions.zoom(ZOOM_STEP),
  "=": (actions) => actions.zoom(ZOOM_STEP),
  "-": (actions) => actions.zoom(1 / ZOOM_STEP),
  r: (actions) => actions.fit(),
  p: (actions) => actions.setTool("pan"),
  l: (actions) => actions.setTool("lasso"),
  b: (actions) => actions.setTool("box"),
  t: (actions) => actions.togglePictures(),
  d: (actions) => actions.toggleDensity(),
  n: (actions, event) => actions.step(event.shiftKey ? -1 : 1),
  s: (actions, event) => actions.selectView(mode(event)),
  Enter: (actions) => actions.pickFocus(),
  Escape: (actions) => actions.clear(),
};

/**
 * The path with one more point, where the pointer has moved far enough.
 * @param {XY[]} path
 * @param {XY} here
 */
function extend(path, here) {
  const [x, y] = path[path.length - 1];
  if (Math.hypot(here[0] - x, here[1] - y) >= PATH_PX) path.push(here);
}

/**
 * Of two pointers.
 * @param {Pointers} pointers
 */
function middle(pointers) {
  const [[ax, ay], [bx, by]] = [...pointers.values()];
  return [(ax + bx) / 2, (ay + by) / 2];
}

/** @param {Pointers} pointers */
function distance(pointers) {
  const [[ax, ay], [bx, by]] = [...pointers.values()];
  return Math.hypot(ax - bx, ay - by);
}
