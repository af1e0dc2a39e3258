// Thumbnails on the map: the most typical patch of each group while zoomed out, patches themselves while zoomed in.

import { el, rowUrl } from "../common/dom.js";
import { css } from "./palette.js";

/** @import { Camera } from "./camera.js" */
/** @import { MedoidData } from "./data.js" */
/** @import { ScatterMap } from "./map.js" */
/** @import { RGB } from "./palette.js" */
/** @import { XY } from "./points.js" */

const MOST = 60;
const PATCH_PX = 56;
const GROUP_PX = 40;
const CAPTION_PX = 17;
const STEM_PX = 10; // a group's picture stands above it on a stem, so that the group itself is seen and can be clicked
const GAP_PX = 6;
const ZOOMED_IN = 1.5;
const FEW_IN_VIEW = 800; // fewer patches than this in view: show patches instead of groups

export class Pictures {
  constructor() {
    this.thumb = "";
    /** @type {Map<number, {node: HTMLElement, caption: string}>} */
    this.shown = new Map(); // by row
    this.on = true;
    this.side_px = PATCH_PX;
    this.lift_px = 0; // of a picture's middle above its patch
    this.root = el("div", { class: "pictures", "aria-hidden": "true" });
  }

  /**
   * Start afresh with the pictures of another map.
   * @param {string} thumb URL with `{row}`
   * @param {boolean} on
   */
  reset(thumb, on) {
    this.thumb = thumb;
    this.on = on;
    this.shown.clear();
    this.root.replaceChildren();
  }

  /**
   * Choose anew which pictures to show; called when the view has come to rest.
   * @param {ScatterMap} map
   * @param {MedoidData[]} medoids
   * @param {(row: number) => RGB | null} colour
   */
  choose(map, medoids, colour) {
    const { camera, grid, visible } = map;
    const names = new Map(medoids.map((medoid) => [medoid.row, medoid.name]));
    const view = camera.view();
    const close = camera.zoom() > ZOOMED_IN && grid.about(view) <= FEW_IN_VIEW;
    const rows = !this.on ? [] : close ? grid.within(view, visible).sort(byHash) : [...names.keys()].filter(visible);
    this.side_px = close ? PATCH_PX : GROUP_PX;
    this.lift_px = close ? 0 : GROUP_PX / 2 + STEM_PX;
    this.root.style.setProperty("--side", `${this.side_px}px`);
    this.root.style.setProperty("--stem", `${close ? 0 : STEM_PX}px`);
    const wanted = new Map(this.spaced(map, rows).map((row) => [row, close ? "" : (names.get(row) ?? "")]));
    for (const [row, { node, caption }] of this.shown) {
      if (wanted.get(row) === caption) continue;
      node.remove();
      this.shown.delete(row);
    }
    for (const [row, caption] of wanted) if (!this.shown.has(row)) this.add(row, caption);
    for (const [row, { node }] of this.shown) {
      const rgb = colour(row);
      node.style.setProperty("--edge", rgb ? css(rgb) : "var(--line)");
    }
    this.place(map);
  }

  /**
   * The first rows whose pictures fit on the stage without touching one another.
   * @param {ScatterMap} map
   * @param {number[]} rows
   */
  spaced(map, rows) {
    /** @type {XY[]} */
    const taken = [];
    return rows.filter((row) => {
      if (taken.length >= MOST) return false;
      const at = this.middle(map, row);
      if (!this.fits(at, map.camera) || taken.some((other) => this.touches(at, other))) return false;
      taken.push(at);
      return true;
    });
  }

  /**
   * @param {number} row
   * @param {string} caption
   */
  add(row, caption) {
    const image = el("img", { alt: "", draggable: "false", src: rowUrl(this.thumb, row) });
    const node = el("figure", { class: "picture" }, image, caption ? el("figcaption", {}, caption) : null);
    this.shown.set(row, { node, caption });
    this.root.append(node);
  }

  /**
   * Move the pictures with the map.
   * @param {ScatterMap} map
   */
  place(map) {
    for (const [row, { node }] of this.shown) {
      const [x, y] = this.middle(map, row);
      node.classList.toggle("below", y > map.screen(row)[1]);
      node.style.transform = `translate(${(x - this.side_px / 2).toFixed(1)}px, ${(y - this.side_px / 2).toFixed(1)}px)`;
    }
  }

  /**
   * Where the middle of a row's picture lies on the screen: above it, or below where the top edge is too near.
   * @param {ScatterMap} map
   * @param {number} row
   * @returns {XY}
   */
  middle(map, row) {
    const [x, y] = map.screen(row);
    const room_px = y - this.lift_px - this.side_px / 2 - CAPTION_PX;
    return [x, room_px >= 0 ? y - this.lift_px : y + this.lift_px];
  }

  /**
   * @param {XY} at
   * @param {Camera} camera
   */
  fits([x, y], camera) {
    const half = this.side_px / 2;
    return x >= half && y >= half && x <= camera.width - half && y <= camera.height - half;
  }

  /**
   * @param {XY} a
   * @param {XY} b
   */
  touches([ax, ay], [bx, by]) {
    const apart = this.side_px + GAP_PX;
    const named = this.lift_px ? CAPTION_PX : 0;
    return Math.abs(ax - bx) < apart && Math.abs(ay - by) < apart + named;
  }

  /**
   * The row whose picture lies under a place on the screen, or -1.
   * @param {number} px
   * @param {number} py
   * @param {ScatterMap} map
   */
  under(px, py, map) {
    for (const row of this.shown.keys()) {
      const [x, y] = this.middle(map, row);
      if (Math.abs(x - px) <= this.side_px / 2 && Math.abs(y - py) <= this.side_px / 2) return row;
    }
    return -1;
  }
}

/**
 * A fixed random order (Knuth's multiplicative hash), so that the same patches keep their picture while the map moves.
 * @param {number} row
 */
const hash = (row) => Math.imul(row + 1, 2654435761) >>> 0;

/** @type {(a: number, b: number) => number} */
const byHash = (a, b) => hash(a) - hash(b);
