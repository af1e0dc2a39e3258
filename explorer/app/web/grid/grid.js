// Results as a grid of square pictures with a few words each. Everything from the data is set as text.
//
// data:  thumb (address with `{row}`), columns (or null: as many as fit), cards [{row, score, label, patient, slide, note}], feedback, choosing, liked {row: 1 or -1}, chosen [row],
//        link (null, or the group of maps that show the patch one points at; see links.js)
// state: liked, chosen; trigger: opened (a row)

import { address, el, style } from "../common/dom.js";
import { pointAt } from "../common/links.js";
import { teller } from "../common/state.js";

const WAYS = [
  [1, "+", "More like this"],
  [-1, "−", "Less like this"],
];

export async function mount(component) {
  await style(component.parentElement, "grid/grid.css");
  const grid = new ResultGrid(component.parentElement);
  grid.update(component);
  return grid;
}

class ResultGrid {
  constructor(root) {
    this.root = el("ul", { class: "grid", onkeydown: (event) => this.key(event) });
    root.append(this.root);
  }

  update(component) {
    this.tell = teller(component);
    this.trigger = component.setTriggerValue;
    const { data } = component;
    this.liked = { ...data.liked };
    this.chosen = new Set(data.chosen);
    this.root.style.gridTemplateColumns = data.columns ? `repeat(${data.columns}, minmax(0, 1fr))` : "";
    const shape = JSON.stringify([data.thumb, data.cards, data.feedback, data.choosing, data.link]);
    if (shape !== this.shape) {
      this.shape = shape;
      this.data = data;
      this.root.replaceChildren(...data.cards.map((card, place) => this.card(card, place)));
      this.root.dataset.ready = String(data.cards.length);
    }
    this.refresh();
  }

  card(card, place) {
    const words = [card.label, card.patient, card.slide].filter(Boolean).join(", ");
    const image = el("img", {
      alt: `Patch ${card.row}${words ? `, ${words}` : ""}`,
      src: address(this.data.thumb, card.row),
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
        onclick: (event) => (event.shiftKey ? this.choose(card.row) : this.trigger("opened", card.row)),
      },
      image,
      card.note ? el("span", { class: "note" }, card.note) : null,
    );
    const node = el("li", { class: card.note ? "result noted" : "result" }, open);
    node.row = card.row;
    node.append(
      el(
        "div",
        { class: "words" },
        el("span", { class: "label", title: card.label }, card.label),
        el("span", { class: "score" }, card.score),
        ...[card.patient, card.slide].filter(Boolean).map((one) => el("span", { class: "origin", title: words }, one)),
      ),
    );
    if (this.data.feedback || this.data.choosing) node.append(this.buttons(card.row));
    return node;
  }

  point(row) {
    if (this.data.link) pointAt(this.data.link, row);
  }

  buttons(row) {
    const line = el("div", { class: "buttons" });
    if (this.data.feedback) {
      for (const [way, sign, words] of WAYS) {
        const title = `${words} (${sign})`;
        const act = () => this.like(row, way);
        line.append(el("button", { type: "button", class: "way", tabindex: "-1", title, "aria-label": words, "data-way": way, onclick: act }, sign));
      }
    }
    if (this.data.choosing) {
      const act = () => this.choose(row);
      line.append(el("button", { type: "button", class: "choose", tabindex: "-1", title: "Choose (Space)", onclick: act }, "Choose"));
    }
    return line;
  }

  like(row, way) {
    if (this.liked[row] === way) delete this.liked[row];
    else this.liked[row] = way;
    this.refresh();
    this.tell("liked", this.liked);
  }

  choose(row) {
    if (!this.data.choosing) return;
    if (!this.chosen.delete(row)) this.chosen.add(row);
    this.refresh();
    this.tell("chosen", [...this.chosen]);
  }

  refresh() {
    for (const node of this.root.children) {
      const chosen = this.chosen.has(node.row);
      node.classList.toggle("is-chosen", chosen);
      node.querySelector(".choose")?.setAttribute("aria-pressed", String(chosen));
      for (const button of node.querySelectorAll(".way")) {
        button.setAttribute("aria-pressed", String(this.liked[node.row] === Number(button.dataset.way)));
      }
    }
  }

  /** Arrow keys walk the grid; one card at a time can be reached by Tab. */
  key(event) {
    const here = [...this.root.children].indexOf(event.target.closest(".result"));
    if (here < 0 || event.ctrlKey || event.metaKey) return;
    const columns = getComputedStyle(this.root).gridTemplateColumns.split(" ").length;
    const last = this.root.children.length - 1;
    const to = {
      ArrowRight: here + 1,
      ArrowLeft: here - 1,
      ArrowDown: here + columns,
      ArrowUp: here - columns,
      Home: 0,
      End: last,
    }[event.key];
    const row = this.root.children[here].row;
    if (to !== undefined) this.focus(Math.min(last, Math.max(0, to)));
    else if (event.key === "+" && this.data.feedback) this.like(row, 1);
    else if (event.key === "-" && this.data.feedback) this.like(row, -1);
    else if (event.key === " " && this.data.choosing && event.target.matches(".open")) this.choose(row);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  focus(place) {
    this.root.querySelectorAll(".open").forEach((button, k) => {
      button.tabIndex = k === place ? 0 : -1;
      if (k === place) button.focus();
    });
  }

  destroy() {
    this.point(null);
    this.root.remove();
  }
}
