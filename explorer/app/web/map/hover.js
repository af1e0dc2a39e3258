// The card beside the pointer: the patch itself at once, its facts as soon as they are here.

import { address, debounce, el } from "../common/dom.js";

const SIDE_PX = 128;
const AWAY_PX = 18;
const FACTS_AFTER_MS = 60;
const KEPT = 500; // facts of this many patches stay in memory

export class HoverCard {
  constructor() {
    this.row = -1;
    this.facts = new Map();
    this.image = el("img", { alt: "", width: SIDE_PX, height: SIDE_PX });
    this.colour = el("p", { class: "card-colour" });
    this.list = el("dl", {});
    this.root = el("div", { class: "card", hidden: true, "aria-hidden": "true" }, this.image, this.colour, this.list);
    this.later = debounce((row) => this.fetch(row), FACTS_AFTER_MS);
  }

  /** Where pictures and facts come from. */
  ask(thumb, rows) {
    if (rows !== this.rows) this.facts.clear();
    this.thumb = thumb;
    this.rows = rows;
  }

  /** Show a row near (px, py) on a stage of that size; `note` is its class or value. */
  show(row, [px, py], { width, height }, note) {
    if (row !== this.row) {
      this.row = row;
      this.image.src = address(this.thumb, row);
      this.colour.textContent = note ?? "";
      this.list.replaceChildren();
      if (this.facts.has(row)) this.fill(row);
      else this.later(row);
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
    this.later.cancel();
  }

  async fetch(row) {
    if (!this.rows) return;
    try {
      const answer = await fetch(address(this.rows, row));
      if (!answer.ok) return; // the picture is shown all the same
      if (this.facts.size >= KEPT) this.facts.delete(this.facts.keys().next().value);
      this.facts.set(row, (await answer.json()).fields);
      this.fill(row);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // a TypeError is fetch's word for "no connection"
    }
  }

  fill(row) {
    if (row !== this.row || !this.facts.has(row)) return;
    this.list.replaceChildren(
      ...this.facts.get(row).flatMap(([name, value]) => [el("dt", {}, String(name)), el("dd", {}, String(value))]),
    );
  }
}
