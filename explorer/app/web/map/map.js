// The map of patches: one widget that ties buffers, camera, painter, legend, pictures and gestures together.

import { count, debounce, el, patches, short, style } from "../common/dom.js";
import { Link } from "../common/linked_maps.js";
import { stateSender } from "../common/state.js";
import { Actions } from "./actions.js";
import { Camera } from "./camera.js";
import { STEPS, classCodes, codesOf, fetchValues } from "./columns.js";
import { listen } from "./gestures.js";
import { HoverCard } from "./hover.js";
import { select } from "./lasso.js";
import { Legend } from "./legend.js";
import { Overlay } from "./overlay.js";
import { PageUrl } from "./page_url.js";
import { Painter } from "./painter.js";
import { Pictures } from "./pictures.js";
import { Points } from "./points.js";
import { SpatialGrid } from "./spatial.js";
import { StatusLine, Toolbar } from "./toolbar.js";

/** @import { Component } from "../common/state.js" */
/** @import { Place } from "./camera.js" */
/** @import { Codes, Column, ColumnBuffer, Values } from "./columns.js" */
/** @import { MapData } from "./data.js" */
/** @import { Shape } from "./lasso.js" */


const REST_MS = 140; // after the last movement: full detail and pictures
const LABEL =
  "Map of patches. Arrow keys move it, plus and minus zoom, R shows all, N steps through patches, Enter chooses, " +
  "S selects what is in view, L and B draw a lasso or a box with the pointer, Escape clears.";
/** @type {Map<string, Place>} */
const lastPlaces = new Map(); // the last view of each set of points, as long as the page is open

/** @param {Component<MapData>} component */
export async function mount(component) {
  await style(component.parentElement, "map/map.css", "map/legend.css");
  const map = new ScatterMap(component);
  await map.update(component);
  return map;
}

export class ScatterMap {
  /** @param {Component<MapData>} component */
  constructor(component) {
    this.data = component.data; // the latest from the server ...
    /** @type {MapData | null} */
    this.applied = null; // ... and the latest that is fully shown
    this.sendState = stateSender(component);
    this.sendTrigger = component.setTriggerValue;
    this.pointsUrl = "";
    /** @type {Promise<void> | null} */
    this.loading = null;
    this.problem = "";
    this.points = Points.none();
    this.grid = new SpatialGrid(this.points);
    /** @type {Codes} */
    this.codes = new Uint8Array();
    /** @type {Map<string, Codes>} */
    this.known = new Map(); // class numbers by column, for the shapes that name it
    /** @type {Shape[]} */
    this.shapes = [];
    /** @type {number | null} */
    this.revision = null; // of the selection that the server sent last
    /** @type {Uint8Array | null} */
    this.chosen = null; // one byte per row: in the selection or not
    this.selected = 0; // rows in the selection
    /** @type {number | null} */
    this.picked = null;
    /** @type {number | null} */
    this.pointed = null; // the row under the pointer on a linked map
    /** @type {number | null} */
    this.focus = null; // the row the keyboard is on
    this.camera = new Camera();
    this.actions = new Actions(this);
    this.link = new Link(this);
    this.overlay = new Overlay();
    this.legend = new Legend(() => this.recolour());
    this.palette = this.legend.palette();
    this.pictures = new Pictures();
    this.card = new HoverCard();
    this.toolbar = new Toolbar(this.actions);
    this.status = new StatusLine();
    this.settleLater = debounce(() => this.settle(), REST_MS);
    this.stage = el("div", { class: "stage", tabindex: "0", role: "application", "aria-label": LABEL });
    this.stage.append(this.pictures.root, this.overlay.root, this.card.root);
    const middle = el("div", { class: "middle" }, this.stage, this.legend.root);
    this.board = el("div", { class: "map", inert: true }, this.toolbar.root, middle, this.status.root, this.status.announcer);
    Object.assign(this.board, { map: this }); // for the browser's tools, and for tests
    component.parentElement.append(this.board);
    this.painter = new Painter(this);
    this.pageUrl = new PageUrl(this);
    this.stopListening = listen(this.stage, this.actions);
    this.watcher = new ResizeObserver(() => this.resize());
    this.watcher.observe(this.stage);
  }

  /**
   * New data from the server. Only what changed since `applied` is fetched and drawn anew.
   * @param {Component<MapData>} component
   */
  async update(component) {
    const { data } = component;
    this.sendState = stateSender(component);
    this.sendTrigger = component.setTriggerValue;
    this.board.style.setProperty("--stage-height", `${data.height_px}px`);
    this.board.toggleAttribute("data-overview", data.overview);
    this.data = data;
    this.link.join(data.link?.name ?? null);
    if (this.pointsUrl !== data.points) this.loading = this.load(data);
    /** @param {keyof MapData} name */
    const changed = (name) => JSON.stringify(this.applied?.[name]) !== JSON.stringify(data[name]);
    const recoloured = changed("points") || changed("column");
    try {
      const [values] = await Promise.all([recoloured && data.column ? fetchValues(data.column) : null, this.loading]);
      await this.fetchColumns(data.selection.columns);
      if (data !== this.data) return; // overtaken while fetching; the later call applies all of it
      if (recoloured) this.colour(data.column, values);
    } catch (error) {
      this.problem = `The map could not be loaded (${error instanceof Error ? error.message : error}). Reload the page to try again.`;
      this.describe();
      return;
    }
    this.problem = "";
    if (data.selection.revision !== this.revision) {
      this.revision = data.selection.revision;
      this.setShapes(data.selection.shapes);
      if (data.link?.elsewhere) this.link.takeSelection();
      else this.link.shareSelection();
    }
    this.card.setUrls(data.thumb, data.rows);
    if (changed("points") || changed("mark")) this.picked = data.mark?.row ?? null;
    if (changed("medoids")) this.settleLater();
    this.applied = data;
    this.painter.retouch();
    this.board.inert = false;
    this.board.dataset.ready = String(this.points.n);
    this.pageUrl.apply();
  }

  /**
   * Begin with other points.
   * @param {MapData} data
   */
  async load(data) {
    this.pointsUrl = data.points;
    this.board.inert = true;
    delete this.board.dataset.ready;
    this.status.show("Loading the map …", "");
    const points = await Points.fetch(data.points);
    if (data.points !== this.pointsUrl) return; // another map was asked for meanwhile
    this.points = points;
    this.grid = new SpatialGrid(points);
    this.codes = new Uint8Array(points.n); // one colour until the column is here
    this.palette = this.legend.palette();
    this.painter.start();
    this.pictures.reset(data.thumb, !data.overview);
    this.camera.box = points.bounds();
    this.camera.fit();
    this.resize();
    const place = lastPlaces.get(data.points);
    if (place && !data.overview) this.camera.place = place;
    this.known.clear();
    this.setShapes([]);
    this.revision = null;
    this.picked = this.pointed = this.focus = null;
  }

  /**
   * Fetch the class numbers of columns that shapes name and that were not shown here.
   * @param {Record<string, ColumnBuffer>} columns
   */
  async fetchColumns(columns) {
    const unknown = Object.entries(columns).filter(([name, column]) => column.kind === "classes" && !this.known.has(name));
    const values = await Promise.all(unknown.map(([, column]) => fetchValues(column)));
    unknown.forEach(([name], k) => this.known.set(name, classCodes(values[k])));
  }

  /**
   * @param {Column | null} column
   * @param {Values | null} values
   */
  colour(column, values) {
    this.codes = column && values ? codesOf(column, values, this.points.n) : new Uint8Array(this.points.n);
    if (column?.kind === "classes") this.known.set(column.name, this.codes);
    this.legend.show(column);
    this.painter.renderer?.setCodes(this.codes);
    this.recolour();
  }

  recolour() {
    this.palette = this.legend.palette();
    this.painter.renderer?.setPalette(this.palette);
    this.actions.order = null;
    this.painter.redraw();
    this.settleLater();
  }

  /** @param {Shape[]} shapes */
  setShapes(shapes) {
    this.shapes = shapes;
    this.setChosen(select(shapes, this.points, this.grid, (name) => this.known.get(name)));
  }

  /**
   * Select what is selected on a linked map: the rows, without the shapes that lie on that map only.
   * @param {Uint8Array | null} chosen
   */
  follow(chosen) {
    this.shapes = [];
    this.setChosen(chosen);
  }

  /** @param {Uint8Array | null} chosen */
  setChosen(chosen) {
    this.chosen = chosen;
    this.selected = chosen ? chosen.reduce((sum, one) => sum + one, 0) : 0;
    this.painter.renderer?.setChosen(chosen);
    this.painter.redraw();
  }

  /** @param {number | null} row */
  setPointed(row) {
    this.pointed = row;
    this.painter.retouch();
  }

  /** @param {number | null} row */
  setPicked(row) {
    this.picked = row;
    this.painter.retouch();
  }

  /** @param {number} row */
  visible = (row) => this.palette[4 * this.codes[row] + 3] > 0;

  /**
   * Where a row is on the screen.
   * @param {number} row
   */
  screen(row) {
    return this.camera.toScreen(this.points.q[2 * row], this.points.q[2 * row + 1]);
  }

  /**
   * The class or value of a row in the column that gives the colours.
   * @param {number} row
   */
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
    if (!width || !height) return; // not on the page any more
    this.camera.resize(width, height);
    this.painter.resize(width, height);
    this.settleLater();
  }

  /** Draw what lies over the points. */
  drawMarks() {
    const { actions, camera, points, data, shapes, picked, pointed, focus } = this;
    const mark = data.mark?.row === picked ? data.mark : null;
    this.overlay.update({ camera, points, shapes, picked, mark, hits: data.hits, query: data.query, pointed, focus });
    this.pictures.place(this);
    const selecting = this.chosen !== null;
    this.toolbar.update({ tool: actions.tool, picturesOn: this.pictures.on, shaded: this.painter.shaded, selecting });
    this.describe();
  }

  /** The view has come to rest: the rest of the points, and pictures for what is in view. */
  settle() {
    if (!this.painter.renderer) return; // still loading
    this.rememberPlace();
    this.pageUrl.writeLater();
    this.pictures.choose(this, this.data.medoids, (row) => this.legend.colour(this.codes[row]));
    this.painter.rest();
  }

  /** For the next visit to this map. */
  rememberPlace() {
    if (this.painter.renderer && !this.data.overview) lastPlaces.set(this.pointsUrl, this.camera.place);
  }

  describe() {
    if (this.problem) {
      this.status.show(this.problem, "");
      return;
    }
    const selected = this.chosen ? ` · ${count(this.selected)} selected` : "";
    const title = this.data.title ? ` · ${this.data.title}` : "";
    this.status.show(`${patches(this.points.n)}${selected}${title}`, this.painter.note);
  }

  destroy() {
    this.rememberPlace();
    this.link.point(null);
    this.link.leave();
    this.stopListening();
    this.watcher.disconnect();
    this.settleLater.cancel();
    this.pageUrl.destroy();
    this.painter.destroy();
    this.board.remove();
  }
}
