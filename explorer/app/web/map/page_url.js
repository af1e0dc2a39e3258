// The view and the hidden classes, kept in the page's URL, so that a link reopens the same view.
//
// at=x_y_zoom in map units, zoom 1 showing all points; hidden=3-4 or visible=5 in class numbers of the colours shown.
// Written by replacing the present step of the browser's history: nobody wants to go back through every change of the view.

import { debounce } from "../common/dom.js";

/** @import { ScatterMap } from "./map.js" */
/** @typedef {{view: [x: number, y: number, zoom: number] | null, hidden: number[] | null, visible: number[] | null}} UrlState null: not in the URL */

const NAMES = ["at", "hidden", "visible"];
const MAX_LETTERS = 1000; // of hidden classes; where there are more, the URL leaves them out
const AFTER_MS = 400; // later than what the server writes into the URL after the same movement

/** Keeps the URL of a map that is `data.addressed`. */
export class PageUrl {
  /** @param {ScatterMap} map */
  constructor(map) {
    this.map = map;
    this.path = window.location.pathname;
    /** @type {UrlState | null} */
    this.pending = read(); // what the URL holds and the map does not show yet
    this.writeLater = debounce(() => this.write(), AFTER_MS);
    this.returned = () => {
      this.pending = read();
      this.apply({ back: true });
    };
    window.addEventListener("popstate", this.returned);
    window.navigation?.addEventListener("currententrychange", this.writeLater); // the server has written a URL without these parts
  }

  get active() {
    const { map } = this;
    return map.data?.addressed && map.board.dataset.ready && window.location.pathname === this.path;
  }

  /**
   * Show the view that the URL holds, once.
   * @param {{back: boolean}} [how] after going back, a URL without a view means the first one
   */
  apply({ back } = { back: false }) {
    if (!this.active) return;
    const { map, pending } = this;
    this.pending = null;
    if (pending?.view) {
      const [x, y, zoom] = pending.view;
      map.camera.look(...map.points.toSteps([x, y]), zoom);
    } else if (back) map.camera.fit();
    if (pending && (back || pending.hidden || pending.visible)) map.legend.set(pending.hidden, pending.visible);
    if (pending) map.painter.redraw({ moving: true }); // and, at rest, pictures
    this.writeLater();
  }

  write() {
    if (!this.active) return;
    const { camera, points, legend } = this.map;
    const url = new URL(window.location.href);
    for (const name of NAMES) url.searchParams.delete(name);
    if (camera.moved()) {
      const view = [...points.toUnits([camera.x, camera.y]), camera.zoom()];
      url.searchParams.set("at", view.map((value) => Number(value.toPrecision(6))).join("_"));
    }
    const { hidden, visible } = legend.switched();
    const fewer = hidden.length <= visible.length;
    const codes = (fewer ? hidden : visible).join("-");
    if (hidden.length && codes.length <= MAX_LETTERS) url.searchParams.set(fewer ? "hidden" : "visible", codes);
    if (url.href !== window.location.href) window.history.replaceState(window.history.state, "", url);
  }

  destroy() {
    this.writeLater.cancel();
    window.removeEventListener("popstate", this.returned);
    window.navigation?.removeEventListener("currententrychange", this.writeLater);
  }
}

/** @returns {UrlState} */
function read() {
  const params = new URLSearchParams(window.location.search);
  const parts = (params.get("at") ?? "").split("_").map(Number);
  const usable = parts.length === 3 && parts.every(Number.isFinite) && parts[2] > 0;
  /** @param {string} name */
  const codes = (name) => params.get(name)?.split("-").map(Number).filter(Number.isInteger) ?? null;
  return { view: usable ? [parts[0], parts[1], parts[2]] : null, hidden: codes("hidden"), visible: codes("visible") };
}
