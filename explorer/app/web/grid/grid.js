// Results as a grid of square pictures with a few words each. Everything from the data is set as text.

import { el, rowUrl, style } from "../common/dom.js";
import { pointAt } from "../common/linked_maps.js";
import { stateSender } from "../common/state.js";

/** @import { Component } from "../common/state.js" */

/**
 * What the Python side sends. States sent back: `liked`, `chosen`; trigger: `opened` (a row).
 * @typedef {object} GridData
 * @property {string} thumb URL with `{row}`
 * @property {number | null} columns null: as many as fit
 * @property {CardData[]} cards
 * @property {boolean} feedback show + and −
 * @property {boolean} choosing let cards be chosen
 * @property {Record<string, number>} liked row -> 1 for "more like this", -1 for "less like this"
 * @property {number[]} chosen rows
 * @property {string | null} link group of linked maps that show the patch one points at
 */

/**
 * One result.
 * @typedef {object} CardData
 * @property {number} row
 * @property {string} score
 * @property {string} label
 * @property {string} patient
 * @property {string} slide
 * @property {string} note a word or two on the picture
 */

/** @type {[value: number, sign: string, title: string][]} */
const FEEDBACK = [
  [1, "+", "More like this"],
  [-1, "−", "Less like this"],
];

/** @param {Component<GridData>} component */
export async function mount(component) {
  await style(component.parentElement, "grid/grid.css");
  return new ResultGrid(component);
}

class ResultGrid {
  /** @param {Component<GridData>} component */
  constructor(component) {
    this.data = component.data;
    this.liked = component.data.liked;
    this.chosen = new Set(component.data.chosen);
    this.sendState = stateSender(component);
    this.sendTrigger = component.setTriggerValue;
    /** @type {{row: number, node: HTMLElement}[]} */
    this.cards = [];
    this.shape = "";
    this.root = el("ul", { class: "grid", onkeydown: (event) => this.key(event) });
    component.parentElement.append(this.root);
    this.update(component);
  }

  /** @param {Component<GridData>} component */
  update(component) {
    const { data } = component;
    this.sendState = stateSender(component);
    this.sendTrigger = component.setTriggerValue;
    this.liked = data.liked;
    this.chosen = new Set(data.chosen);
    this.root.style.gridTemplateColumns = data.columns ? `repeat(${data.columns}, minmax(0, 1fr))` : "";
    this.data = data;
    const shape = JSON.stringify([data.thumb, data.cards, data.feedback, data.choosing, data.link]);
    if (shape !== this.shape) {
      this.shape = shape;
      this.cards = data.cards.map((card, place) => ({ row: card.row, node: this.card(card, place) }));
      this.root.replaceChildren(...this.cards.map(({ node }) => node));
      this.root.dataset.ready = String(data.cards.length);
    }
    this.refresh();
  }

  /**
   * @param {CardData} card
   * @param {number} place
   */
  card(card, place) {
    const facts = [card.label, card.patient, card.slide].filter(Boolean).join(", ");
    const image = el("img", {
      alt: `Patch ${card.row}${facts ? `, ${facts}` : ""}`,
      src: rowUrl(this.data.thumb, card.row),
      loading: "lazy",
      decoding: "async",
      width: 160,
      height: 160,
    });
    image.addEventListener("error", () => image.replaceWith(el("span", { class: "gone" }, "Picture not found")));
    const open = el(
      "button",
      {
        type: "button",
        class: "open",
        title: "Open",
        tabindex: place === 0 ? "0" : "-1",
        onpointerenter: () => this.point(card.row),
        onpointerleave: () => this.point(null),
        onfocus: () => this.point(card.row),
        onblur: () => this.point(null),
        onclick: (event) => (event.shiftKey ? this.choose(card.row) : this.sendTrigger("opened", card.row)),
      },
      image,
      card.note ? el("span", { class: "note" }, card.note) : null,
    );
    const text = el(
      "div",
      { class: "words" },
      el("span", { class: "label", title: card.label }, card.label),
      el("span", { class: "score" }, card.score),
      ...[card.patient, card.slide].filter(Boolean).map((origin) => el("span", { class: "origin", title: facts }, origin)),
    );
    const buttons = this.data.feedback || this.data.choosing ? this.buttons(card.row) : null;
    return el("li", { class: card.note ? "result noted" : "result" }, open, text, buttons);
  }

  /** @param {number | null} row */
  point(row) {
    if (this.data.link) pointAt(this.data.link, row);
  }

  /** @param {number} row */
  buttons(row) {
    const line = el("div", { class: "buttons" });
    if (this.data.feedback) {
      for (const [value, sign, label] of FEEDBACK) {
        const attributes = { type: "button", class: "way", tabindex: "-1", title: `${label} (${sign})`, "aria-label": label, "data-way": value };
        line.append(el("button", { ...attributes, onclick: () => this.like(row, value) }, sign));
      }
    }
    if (this.data.choosing) {
      const attributes = { type: "button", class: "choose", tabindex: "-1", title: "Choose (Space)" };
      line.append(el("button", { ...attributes, onclick: () => this.choose(row) }, "Choose"));
    }
    return line;
  }

  /**
   * @param {number} row
   * @param {number} value
   */
  like(row, value) {
    const liked = { ...this.liked };
    if (liked[row] === value) delete liked[row];
    else liked[row] = value;
    this.liked = liked;
    this.refresh();
    this.sendState("liked", liked);
  }

  /** @param {number} row */
  choose(row) {
    if (!this.data.choosing) return;
    const chosen = new Set(this.chosen);
    if (!chosen.delete(row)) chosen.add(row);
    this.chosen = chosen;
    this.refresh();
    this.sendState("chosen", [...chosen]);
  }

  refresh() {
    for (const { row, node } of this.cards) {
      const chosen = this.chosen.has(row);
      node.classList.toggle("is-chosen", chosen);
      node.querySelector(".choose")?.setAttribute("aria-pressed", String(chosen));
      for (const button of node.querySelectorAll(".way")) {
        button.setAttribute("aria-pressed", String(this.liked[row] === Number(button.getAttribute("data-way"))));
      }
    }
  }

  /**
   * Arrow keys walk the grid; one card at a time can be reached by Tab.
   * @param {KeyboardEvent} event
   */
  key(event) {
    const { target } = event;
    if (!(target instanceof Element) || event.ctrlKey || event.metaKey) return;
    const here = this.cards.findIndex(({ node }) => node.contains(target));
    if (here < 0) return;
    const columns = getComputedStyle(this.root).gridTemplateColumns.split(" ").length;
    const last = this.cards.length - 1;
    /** @type {Record<string, number>} */
    const steps = {
      ArrowRight: here + 1,
      ArrowLeft: here - 1,
      ArrowDown: here + columns,
      ArrowUp: here - columns,
      Home: 0,
      End: last,
    };
    const to = steps[event.key];
    const { row } = this.cards[here];
    if (to !== undefined) this.focus(Math.min(last, Math.max(0, to)));
    else if (event.key === "+" && this.data.feedback) this.like(row, 1);
    else if (event.key === "-" && this.data.feedback) this.like(row, -1);
    else if (event.key === " " && this.data.choosing && target.matches(".open")) this.choose(row);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {number} place */
  focus(place) {
    for (const [k, { node }] of this.cards.entries()) {
      const button = node.querySelector("button");
      if (!button) continue;
      button.tabIndex = k === place ? 0 : -1;
      if (k === place) button.focus();
    }
  }

  destroy() {
    this.point(null);
    this.root.remove();
  }
}
