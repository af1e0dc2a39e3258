// The order in which the keyboard steps through the patches in view: line by line, left to right.

/** @import { ScatterMap } from "./map.js" */

const LINE_PX = 24;
const MOST = 2000; // more patches than this in view: an even sample of them

/** @param {ScatterMap} map */
export function readingOrder(map) {
  const found = map.grid.within(map.camera.view(), map.visible);
  const every = Math.ceil(found.length / MOST);
  return found
    .filter((_, k) => k % every === 0)
    .map((row) => {
      const [x, y] = map.screen(row);
      return { row, line: Math.floor(y / LINE_PX), x };
    })
    .sort((a, b) => a.line - b.line || a.x - b.x)
    .map(({ row }) => row);
}
