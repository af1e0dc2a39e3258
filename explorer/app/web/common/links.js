// Linked maps: layouts of the same patches that show each other's pointer, picked patch and selection, at once.
// Only the map on which something was done tells the server; the others follow.

const groups = new Map(); // name -> maps that are on the page now

/** Point at a row on all maps of a group; null: at none. */
export function pointAt(name, row) {
  for (const map of groups.get(name) ?? []) if (map.points && (row === null || row < map.points.n)) map.setPointed(row);
}

export class Link {
  constructor(map) {
    this.map = map;
    this.name = null;
  }

  /** Belong to the group of that name and to no other; null: to none. */
  join(name) {
    if (name === this.name) return;
    this.leave();
    this.name = name;
    if (name !== null) groups.set(name, (groups.get(name) ?? new Set()).add(this.map));
  }

  leave() {
    groups.get(this.name)?.delete(this.map);
    this.name = null;
  }

  /** The other maps of the group that show their patches already. */
  others() {
    const { map } = this;
    return [...(groups.get(this.name) ?? [])].filter((other) => other !== map && other.points?.n === map.points?.n);
  }

  /** The pointer or the keyboard is on a row here; null: on none. */
  point(row) {
    if (row === this.pointed) return;
    this.pointed = row;
    for (const other of this.others()) other.setPointed(row);
  }

  pick(row) {
    for (const other of this.others()) other.setPicked(row);
  }

  /** What is selected here is selected there. */
  choose() {
    for (const other of this.others()) other.follow(this.map.chosen);
  }

  /** Show what is selected on another map; nothing where that map is not here yet: it will say so itself. */
  catchUp() {
    const chosen = this.others().find((other) => other.chosen)?.chosen;
    if (chosen) this.map.follow(chosen);
  }
}
