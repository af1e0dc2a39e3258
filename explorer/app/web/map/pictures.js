// Thumbnails on the map: the most typical patch of each group while zoomed out, patches themselves while zoomed in.

import { address, el } from "../common/dom.js";
import { css } from "./palette.js";

const MOST = 60;
const PATCH_PX = 56;
const GROUP_PX = 40;
const CAPTION_PX = 17;
const STEM_PX = 10; // a group's picture stands above it on a stem, so that the group itself is seen and can be clicked
const GAP_PX = 6;
const ZOOMED_IN = 1.5;
const FEW_IN_VIEW = 800; // fewer patches than this in view: show patches instead of groups

export class Pictures {
  constructor(thumb) {
    this.thumb = thumb;
    this.shown = new Map(); // row -> element
    this.on = true;
    this.side_px = PATCH_PX;
    this.lift_px = 0; // of a picture's middle above its patch
    this.root = el("div", { class: "pictures", "aria-hidden": "true" });
  }

  /** Choose anew which pictures to show; called when the view has come to rest. */
  choose(map, medoids, colour) {
    const { camera, grid, visible } = map;
    const names = new Map(medoids.map((medoid) => [medoid.row, medoid.name]));
    const view = camera.view();
    const close = camera.zoom() > ZOOMED_IN && grid.about(view) <= FEW_IN_VIEW;
    const rows = !this.on ? [] : close ? grid.within(view, visible).sort(byLot) : [...names.keys()].filter(visible);
    this.side_px = close ? PATCH_PX : GROUP_PX;
    this.lift_px = close ? 0 : GROUP_PX / 2 + STEM_PX;
    this.root.style.setProperty("--side", `${this.side_px}px`);
    this.root.style.setProperty("--stem", `${close ? 0 : STEM_PX}px`);
    const taken = [];
    const wanted = new Set();
    for (const row of rows) {
      if (taken.length >= MOST) break;
      const at = this.middle(map, row);
      if (!this.fits(at, camera) || taken.some((other) => this.touches(at, other))) continue;
      taken.push(at);
      wanted.add(row);
    }
    for (const [row, node] of this.shown) {
      if (wanted.has(row) && node.caption === this.caption(close, names, row)) continue;
      node.remove();
      this.shown.delete(row);
    }
    for (const row of wanted) if (!this.shown.has(row)) this.add(row, this.caption(close, names, row));
    for (const [row, node] of this.shown) node.style.setProperty("--edge", colour(row) ? css(colour(row)) : "var(--line)");
    this.place(map);
  }

  caption(close, names, row) {
    return close ? "" : (names.get(row) ?? "");
  }

  add(row, caption) {
    const image = el("img", { alt: "", draggable: "false", src: address(this.thumb, row) });
    const node = el("figure", { class: "picture" }, image);
    if (caption) node.append(el("figcaption", {}, caption));
    node.caption = caption;
    this.shown.set(row, node);
    this.root.append(node);
  }

  /** Move the pictures with the map. */
  place(map) {
    for (const [row, node] of this.shown) {
      const [x, y] = this.middle(map, row);
      node.classList.toggle("below", y > map.screen(row)[1]);
      node.style.transform = `translate(${(x - this.side_px / 2).toFixed(1)}px, ${(y - this.side_px / 2).toFixed(1)}px)`;
    }
  }

  /** Where the middle of a row's picture lies on the screen: above it, or below where the top edge is too near. */
  middle(map, row) {
    const [x, y] = map.screen(row);
    const room_px = y - this.lift_px - this.side_px / 2 - CAPTION_PX;
    return [x, room_px >= 0 ? y - this.lift_px : y + this.lift_px];
  }

  fits([x, y], camera) {
    const half = this.side_px / 2;
    return x >= half && y >= half && x <= camera.width - half && y <= camera.height - half;
  }

  touches([ax, ay], [bx, by]) {
    const apart = this.side_px + GAP_PX;
    const named = this.lift_px ? CAPTION_PX : 0;
    return Math.abs(ax - bx) < apart && Math.abs(ay - by) < apart + named;
  }

  /** The row whose picture lies under a place on the screen, or -1. */
  under(px, py, map) {
    for (const row of this.shown.keys()) {
      const [x, y] = this.middle(map, row);
      if (Math.abs(x - px) <= this.side_px / 2 && Math.abs(y - py) <= this.side_px / 2) return row;
    }
    return -1;
  }
}

/** A fixed lottery, so the same patches keep their picture while the map moves. */
const lot = (row) => Math.imul(row + 1, 2654435761) >>> 0;
const byLot = (a, b) => lot(a) - lot(b);
