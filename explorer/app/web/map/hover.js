// The card beside the pointer: the patch itself at once, its facts as soon as they are fetched.

import { debounce, el, rowUrl } from "../common/dom.js";

/** @import { XY } from "./points.js" */
/** @typedef {[name: unknown, value: unknown][]} Facts */

const SIDE_PX = 128;
const AWAY_PX = 18;
const FACTS_AFTER_MS = 60;
const MAX_CACHED = 500; // patches whose facts stay in memory

export class HoverCard {
  constructor() {
    this.row = -1;
    /** @type {Map<number, Facts>} */
    this.facts = new Map();
    this.thumb = "";
    /** @type {string | null} */
    this.rows = null;
    this.image = el("img", { alt: "", width: SIDE_PX, height: SIDE_PX });
    this.colour = el("p", { class: "card-colour" });
    this.list = el("dl", {});
    this.root = el("div", { class: "card", hidden: true, "aria-hidden": "true" }, this.image, this.colour, this.list);
    this.fetchLater = debounce((/** @type {number} */ row) => this.fetch(row), FACTS_AFTER_MS);
  }

  /**
   * Where pictures and facts are fetched: URLs with `{row}`.
   * @param {string} thumb
   * @param {string | null} rows null: no facts
   */
  setUrls(thumb, rows) {
    if (rows !== this.rows) this.facts.clear();
    this.thumb = thumb;
    this.rows = rows;
  }

  /**
   * Show a row near (px, py) on a stage.
   * @param {number} row
   * @param {Readonly<XY>} at
   * @param {{width: number, height: number}} stage
   * @param {string} note the row's class or value
   */
  show(row, [px, py], { width, height }, note) {
    if (row !== this.row) {
      this.row = row;
      this.image.src = rowUrl(this.thumb, row);
      this.colour.textContent = note;
      this.list.replaceChildren();
      if (this.facts.has(row)) this.fill(row);
      else this.fetchLater(row);
    }
    this.root.hidden = false;
    const wide = this.root.offsetWidth;
    const high = this.root.offsetHeight;
    const left = px + AWAY_PX + wide > width ? px - AWAY_PX - wide : px + AWAY_PX;
    const top = py + AWAY_PX + high > height ? py - AWAY_PX - high : py + AWAY_PX;
    this.root.style.transform = `translate(${Math.max(0, left)}px, ${Math.max(0, top)}px)`;
  }

  hide() {
    this.row = -1;
    this.root.hidden = true;
    this.fetchLater.cancel();
  }

  /** @param {number} row */
  async fetch(row) {
    if (!this.rows) return;
    try {
      const response = await fetch(rowUrl(this.rows, row));
      if (!response.ok) return; // the picture is shown all the same
      /** @type {{fields: Facts}} */
      const { fields } = await response.json();
      const [oldest] = this.facts.keys();
      if (this.facts.size >= MAX_CACHED) this.facts.delete(oldest);
      this.facts.set(row, fields);
      this.fill(row);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // fetch throws a TypeError where there is no connection
    }
  }

  /** @param {number} row */
  fill(row) {
    if (row !== this.row) return;
    const facts = this.facts.get(row) ?? [];
    this.list.replaceChildren(...facts.flatMap(([name, value]) => [el("dt", {}, String(name)), el("dd", {}, String(value))]));
  }
}
