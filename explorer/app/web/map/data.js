// What the Python side sends to the map (widgets/map.py): types only.

/** @import { Column, ColumnBuffer } from "./columns.js" */
/** @import { Shape } from "./lasso.js" */

/**
 * What the Python side sends. States sent back: `picked` (a row or null), `selection` {shapes} or null; trigger: `opened` (a row).
 * @typedef {object} MapData
 * @property {string} points URL of the point buffer
 * @property {string} thumb URL with `{row}`
 * @property {string | null} rows URL with `{row}` of the facts on the hover card
 * @property {Column | null} column null: one colour
 * @property {string} title a few words for the status line
 * @property {MedoidData[]} medoids
 * @property {MarkData | null} mark
 * @property {QueryData | null} query
 * @property {number[]} hits rows
 * @property {number} height_px
 * @property {LinkData | null} link
 * @property {boolean} overview only show where something is: all points, no tools, no pictures
 * @property {boolean} addressed keep the view and the hidden classes in the page's URL
 * @property {SelectionData} selection
 */

/** @typedef {{row: number, name: string}} MedoidData the most typical row of a group */
/** @typedef {{row: number, neighbours: number[]}} MarkData the picked row */
/** @typedef {{x: number, y: number}} QueryData map units */
/** @typedef {{name: string, elsewhere: boolean}} LinkData a group of linked maps; elsewhere: the selection was made on another of them */
/** @typedef {{revision: number, shapes: Shape[], columns: Record<string, ColumnBuffer>}} SelectionData columns: those that shapes name */

export {};
