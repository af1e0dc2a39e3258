// Linked maps: layouts of the same patches that show each other's pointer, picked patch and selection at once.
// Only the map on which something was done sends it to the server; the others follow.

/**
 * What a linked map offers the others.
 * @typedef {object} LinkedMap
 * @property {{n: number} | null} points null while they are loaded
 * @property {Uint8Array | null} chosen one byte per row
 * @property {(row: number | null) => void} setPointed
 * @property {(row: number | null) => void} setPicked
 * @property {(chosen: Uint8Array | null) => void} follow take over the selection of another map
 */

/** @type {Map<string, Set<LinkedMap>>} */
const groups = new Map(); // name -> maps that are on the page now

/**
 * Point at a row on all maps of a group; null: at none.
 * @param {string} name
 * @param {number | null} row
 */
export function pointAt(name, row) {
  for (const map of groups.get(name) ?? []) if (map.points && (row === null || row < map.points.n)) map.setPointed(row);
}

export class Link {
  /** @param {LinkedMap} map */
  constructor(map) {
    this.map = map;
    /** @type {string | null} */
    this.name = null;
    /** @type {number | null} */
    this.pointed = null;
  }

  /**
   * Belong to the group of that name and to no other; null: to none.
   * @param {string | null} name
   */
  join(name) {
    if (name === this.name) return;
    this.leave();
    this.name = name;
    if (name !== null) groups.set(name, (groups.get(name) ?? new Set()).add(this.map));
  }

  leave() {
    if (this.name !== null) groups.get(this.name)?.delete(this.map);
    this.name = null;
  }

  /** The other maps of the group that already show the same number of patches. */
  others() {
    const { map, name } = this;
    const members = name === null ? [] : [...(groups.get(name) ?? [])];
    return members.filter((other) => other !== map && other.points?.n === map.points?.n);
  }

  /**
   * The pointer or the keyboard is on a row here; null: on none.
   * @param {number | null} row
   */
  point(row) {
    if (row === this.pointed) return;
    this.pointed = row;
    for (const other of this.others()) other.setPointed(row);
  }

  /** @param {number | null} row */
  pick(row) {
    for (const other of this.others()) other.setPicked(row);
  }

  /** Show the selection of this map on the others. */
  shareSelection() {
    for (const other of this.others()) other.follow(this.map.chosen);
  }

  /** Show what is selected on another map; nothing where that map is not loaded yet: it will share its selection then. */
  takeSelection() {
    const chosen = this.others().find((other) => other.chosen)?.chosen;
    if (chosen) this.map.follow(chosen);
  }
}
