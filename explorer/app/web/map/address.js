// Where one looks and which classes are hidden, as the page's address says it, so that a link reopens the same view.
//
// at=x_y_zoom in map units, zoom 1 showing all points; hidden=3-4 or visible=5 in class numbers of the colours shown.
// Written by replacing the present step of the browser's history: nobody wants to go back through every look around.

import { debounce } from "../common/dom.js";

const NAMES = ["at", "hidden", "visible"];
const MOST_LETTERS = 1000; // of hidden classes; more of them are not told
const AFTER_MS = 400; // later than what the server writes into the address after the same movement

/** Keeps the address of a map that is `data.addressed`. */
export class Address {
  constructor(map) {
    this.map = map;
    this.path = window.location.pathname;
    this.wanted = read();
    this.later = debounce(() => this.write(), AFTER_MS);
    this.returned = () => {
      this.wanted = read();
      this.take({ back: true });
    };
    window.addEventListener("popstate", this.returned);
    window.navigation?.addEventListener("currententrychange", this.later); // the server has written, without our words
  }

  get ours() {
    const { map } = this;
    return map.data.addressed && map.board.dataset.ready && window.location.pathname === this.path;
  }

  /** Look where the address says, once; on the way `back`, one without a view means the first one. */
  take({ back = false } = {}) {
    if (!this.ours) return;
    const { map, wanted } = this;
    this.wanted = null;
    if (wanted?.view) map.camera.look(...map.points.toSteps(wanted.view), wanted.view[2]);
    else if (back) map.camera.fit();
    if (back || wanted?.hidden || wanted?.visible) map.legend.set(wanted.hidden, wanted.visible);
    if (wanted) map.redraw({ moving: true }); // and, at rest, pictures
    this.later();
  }

  write() {
    if (!this.ours) return;
    const { camera, points, legend } = this.map;
    const url = new URL(window.location.href);
    for (const name of NAMES) url.searchParams.delete(name);
    if (camera.moved()) {
      const view = [...points.toUnits([camera.x, camera.y]), camera.zoom()];
      url.searchParams.set("at", view.map((value) => Number(value.toPrecision(6))).join("_"));
    }
    const { hidden, visible } = legend.switched();
    const [name, codes] = hidden.length <= visible.length ? ["hidden", hidden] : ["visible", visible];
    const told = codes.join("-");
    if (hidden.length && told.length <= MOST_LETTERS) url.searchParams.set(name, told);
    if (url.href !== window.location.href) window.history.replaceState(window.history.state, "", url);
  }

  destroy() {
    this.later.cancel();
    window.removeEventListener("popstate", this.returned);
    window.navigation?.removeEventListener("currententrychange", this.later);
  }
}

function read() {
  const words = new URLSearchParams(window.location.search);
  const view = (words.get("at") ?? "").split("_").map(Number);
  const codes = (name) => (words.has(name) ? words.get(name).split("-").map(Number).filter(Number.isInteger) : null);
  const usable = view.length === 3 && view.every(Number.isFinite) && view[2] > 0;
  return { view: usable ? view : null, hidden: codes("hidden"), visible: codes("visible") };
}
