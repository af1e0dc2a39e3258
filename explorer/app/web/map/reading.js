// The order in which the keyboard steps through the patches in view: line by line, left to right.

const LINE_PX = 24;
const MOST = 2000; // more patches than this in view: an even sample of them

export function readingOrder({ camera, points, grid, visible }) {
  const found = grid.within(camera.view(), visible);
  const every = Math.ceil(found.length / MOST);
  return found
    .filter((_, k) => k % every === 0)
    .map((row) => {
      const [x, y] = camera.toScreen(points.q[2 * row], points.q[2 * row + 1]);
      return { row, line: Math.floor(y / LINE_PX), x };
    })
    .sort((a, b) => a.line - b.line || a.x - b.x)
    .map(({ row }) => row);
}
