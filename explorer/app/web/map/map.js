// The map of patches: one widget that ties buffers, camera, renderer, legend, pictures and gestures together.
//
// data:  points, thumb, rows (addresses; `{row}` stands for a row), column (see legend.js), title, height_px, overview (show where
//        something is: all points, no tools, no pictures), addressed (see address.js),
//        medoids [{row, name}], mark {row, neighbours}, query {x, y}, hits [row], selection {revision, shapes, columns},
//        link (null, or the group of maps that act as one: {name, elsewhere: whether its selection was made on another map})
// state: picked (a row or null), selection {shapes} or null; trigger: opened (a row)

import { Actions } from "./actions.js";
import { Address } from "./address.js";
import { Camera } from "./camera.js";
import { count, debounce, el, patches, short, style } from "../common/dom.js";
import { listen } from "./gestures.js";
import { HoverCard } from "./hover.js";
import { select } from "./lasso.js";
import { Legend } from "./legend.js";
import { Link } from "../common/links.js";
import { FrameBudget, density, pointSize } from "./look.js";
import { Overlay } from "./overlay.js";
import { Pictures } from "./pictures.js";
import { Points, STEPS, codesOf, fetchValues, spread } from "./points.js";
import { choose } from "./renderers.js";
import { SpatialGrid } from "./spatial.js";
import { teller } from "../common/state.js";
import { StatusLine, Toolbar } from "./toolbar.js";

const REST_MS = 140; // after the last movement: full detail and pictures
const WORDS =
  "Map of patches. Arrow keys move it, plus and minus zoom, R shows all, N steps through patches, Enter chooses, " +
  "S selects what is in view, L and B draw a lasso or a box with the pointer, Escape clears.";
const places = new Map(); // where one looked last at each set of points, kept while the page lives

export async function mount(component) {
  await style(component.parentElement, "map/map.css", "map/legend.css");
  const map = new ScatterMap(component.parentElement);
  await map.update(component);
  return map;
}

class ScatterMap {
  constructor(root) {
    this.camera = new Camera();
    this.problem = "";
    this.drawn = 0; // points of the present view that are on the screen
    this.known = new Map(); // class numbers by column, for the shapes that name it
    this.shapes = [];
    this.chosen = null; // one byte per row: in the selection or not
    this.picked = null;
    this.pointed = null; // the row under the pointer on a linked map
    this.focus = null; // where the keyboard is
    this.dense = null; // shade by density: yes, no, or null for "where it is crowded"
    this.budget = new FrameBudget();
    this.data = {}; // the latest from the server ...
    this.applied = {}; // ... and the latest that is fully shown
    this.actions = new Actions(this);
    this.link = new Link(this);
    this.overlay = new Overlay();
    this.legend = new Legend(() => this.recolour());
    this.toolbar = new Toolbar(this.actions);
    this.status = new StatusLine();
    this.rest = debounce(() => this.settle(), REST_MS);
    this.address = new Address(this);
    this.stage = el("div", { class: "stage", tabindex: "0", role: "application", "aria-label": WORDS });
    const middle = el("div", { class: "middle" }, this.stage, this.legend.root);
    this.board = el("div", { class: "map", inert: true }, this.toolbar.root, middle, this.status.root, this.status.voice);
    this.board.map = this; // for the browser's tools, and for tests
    root.append(this.board);
    this.deaf = listen(this.stage, this.actions);
    this.watcher = new ResizeObserver(() => this.resize());
    this.watcher.observe(this.stage);
  }

  startRenderer(n) {
    this.renderer?.destroy();
    this.renderer?.canvas.remove();
    const { renderer, note } = choose(n, (context) => {
      this.board.dataset.context = context;
      if (context === "restored") this.redraw();
    });
    this.renderer = renderer;
    this.rendererNote = note;
    this.stage.prepend(renderer.canvas);
    this.board.dataset.renderer = renderer.name;
  }

  /** New data from the server. Only what changed since `applied` is fetched and drawn anew. */
  async update(component) {
    const { data } = component;
    this.tell = teller(component);
    this.trigger = component.setTriggerValue;
    this.board.style.setProperty("--stage-height", `${data.height_px}px`);
    this.board.toggleAttribute("data-overview", data.overview);
    const otherPoints = this.data.points !== data.points;
    this.data = data;
    this.link.join(data.link?.name ?? null);
    if (otherPoints) this.loading = this.load(data);
    const fresh = (name) => JSON.stringify(this.applied[name]) !== JSON.stringify(data[name]);
    const recoloured = fresh("points") || fresh("column");
    try {
      const [values] = await Promise.all([recoloured ? fetchValues(data.column) : null, this.loading]);
      await this.learn(data.selection.columns);
      if (data !== this.data) return; // overtaken while fetching; the later call applies all of it
      if (recoloured) this.colour(data.column, values);
    } catch (error) {
      this.problem = `The map could not be loaded (${error.message}). Reload the page to try again.`;
      this.describe();
      return;
    }
    this.problem = "";
    if (data.selection.revision !== this.revision) {
      this.revision = data.selection.revision;
      this.setShapes(data.selection.shapes);
      if (data.link?.elsewhere) this.link.catchUp();
      else this.link.choose();
    }
    this.card.ask(data.thumb, data.rows);
    if (fresh("points") || fresh("mark")) this.picked = data.mark?.row ?? null;
    if (fresh("medoids")) this.rest();
    this.applied = data;
    this.retouch();
    this.board.inert = false;
    this.board.dataset.ready = this.points.n;
    this.address.take();
  }

  async load(data) {
    this.board.inert = true;
    delete this.board.dataset.ready;
    this.status.show("Loading the map …", "");
    const points = await Points.fetch(data.points);
    if (data.points !== this.data.points) return; // another map was asked for meanwhile
    this.points = points;
    this.grid = new SpatialGrid(this.points);
    this.codes = new Uint8Array(this.points.n); // one colour until the column is here
    this.palette = this.legend.palette();
    this.startRenderer(this.points.n);
    this.renderer.setPoints(this.points, spread(this.points.n));
    this.renderer.setCodes(this.codes);
    this.renderer.setPalette(this.palette);
    this.card?.root.remove();
    this.pictures?.root.remove();
    this.card = new HoverCard();
    this.pictures = new Pictures(data.thumb);
    this.pictures.on = !data.overview;
    this.stage.append(this.pictures.root, this.overlay.root, this.card.root);
    this.camera.box = this.points.bounds();
    this.camera.fit();
    this.resize();
    if (places.has(data.points) && !data.overview) this.camera.place = places.get(data.points);
    this.known.clear();
    this.setShapes([]);
    this.revision = null;
    this.picked = this.pointed = this.focus = null;
  }

  /** Fetch the class numbers of columns that shapes name and that were not shown here. */
  async learn(columns) {
    const unknown = Object.entries(columns).filter(([name, column]) => column.kind === "classes" && !this.known.has(name));
    const values = await Promise.all(unknown.map(([, column]) => fetchValues(column)));
    unknown.forEach(([name], k) => this.known.set(name, values[k]));
  }

  colour(column, values) {
    this.codes = codesOf(column, values, this.points.n);
    if (column?.kind === "classes") this.known.set(column.name, this.codes);
    this.legend.show(column);
    this.renderer.setCodes(this.codes);
    this.recolour();
  }

  recolour() {
    this.palette = this.legend.palette();
    this.renderer.setPalette(this.palette);
    this.actions.order = null;
    this.redraw();
    this.rest();
  }

  setShapes(shapes) {
    this.shapes = shapes;
    this.setChosen(select(shapes, this.points, this.grid, (name) => this.known.get(name)));
  }

  /** Select what is selected on a linked map: the rows, without the shapes that lie on that map only. */
  follow(chosen) {
    this.shapes = [];
    this.setChosen(chosen);
  }

  setChosen(chosen) {
    this.chosen = chosen;
    this.selected = this.chosen ? this.chosen.reduce((sum, one) => sum + one, 0) : 0;
    this.renderer.setChosen(this.chosen);
    this.redraw();
  }

  setPointed(row) {
    this.pointed = row;
    this.retouch();
  }

  setPicked(row) {
    this.picked = row;
    this.retouch();
  }

  visible = (row) => this.palette[4 * this.codes[row] + 3] > 0;

  screen(row) {
    return this.camera.toScreen(this.points.q[2 * row], this.points.q[2 * row + 1]);
  }

  /** The class or value of a row in the column that gives the colours. */
  note(row) {
    const { column } = this.data;
    const code = this.codes[row];
    if (!column) return "";
    if (column.kind !== "continuous") return this.legend.name(code);
    if (code === STEPS) return `${column.name}: no value`;
    return `${column.name}: ${short(column.low + ((column.high - column.low) * code) / (STEPS - 1))}`;
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (!width || !height) return; // on its way out of the page
    this.ratio = Math.min(2, window.devicePixelRatio || 1);
    this.camera.resize(width, height);
    this.renderer?.resize(Math.max(1, Math.round(width * this.ratio)), Math.max(1, Math.round(height * this.ratio)));
    this.redraw();
    this.rest();
  }

  /**
   * Draw all points anew, as many per frame as the machine draws smoothly, until all are drawn.
   * While `moving`, each frame starts over, so what is seen is a fair sample.
   */
  redraw({ moving = false } = {}) {
    this.drawn = 0;
    this.moving = moving;
    delete this.board.dataset.drawn;
    if (moving) this.rest();
    this.retouch();
  }

  /** Draw what lies over the points; they themselves stay as they are. */
  retouch() {
    this.frame ??= requestAnimationFrame((now) => {
      this.frame = null;
      if (!this.points) return;
      if (this.drawn < this.points.n) this.drawPoints(now);
      this.drawMarks();
    });
  }

  drawPoints(now) {
    const { camera, points, grid, ratio } = this;
    const from = this.drawn;
    this.drawn = Math.min(points.n, from + this.budget.next(now));
    const size_px = pointSize(points.n, camera.zoom());
    const peak = density(grid, camera, size_px, this.dense) * (this.drawn / points.n);
    this.shaded = peak > 0;
    this.renderer.draw({ camera, ratio, from, to: this.drawn, size_px, peak });
    if (this.drawn === points.n) this.board.dataset.drawn = points.n;
    else if (!this.moving) this.retouch();
  }

  drawMarks() {
    const { camera, points, data, shapes, picked, pointed, focus } = this;
    const mark = data.mark?.row === picked ? data.mark : null;
    this.overlay.update({ camera, points, shapes, picked, mark, hits: data.hits, query: data.query, pointed, focus });
    this.pictures.place(this);
    this.toolbar.update({
      tool: this.actions.tool,
      picturesOn: this.pictures.on,
      shaded: this.shaded,
      selecting: this.chosen !== null,
    });
    this.describe();
  }

  /** The view has come to rest: the rest of the points, and pictures for what is in view. */
  settle() {
    if (!this.points) return;
    this.moving = false;
    this.budget.pause();
    if (!this.data.overview) places.set(this.data.points, this.camera.place);
    this.address.later();
    this.pictures.choose(this, this.data.medoids, (row) => this.legend.colour(this.codes[row]));
    this.retouch();
  }

  describe() {
    if (this.problem) {
      this.status.show(this.problem, "");
      return;
    }
    const selected = this.chosen ? ` · ${count(this.selected)} selected` : "";
    this.status.show(`${patches(this.points.n)}${selected}${this.data.title ? ` · ${this.data.title}` : ""}`, this.rendererNote);
  }

  destroy() {
    this.link.point(null);
    this.link.leave();
    this.deaf();
    this.watcher.disconnect();
    this.rest.cancel();
    this.address.destroy();
    cancelAnimationFrame(this.frame);
    this.renderer?.destroy();
    this.board.remove();
  }
}
