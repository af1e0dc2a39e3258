// Columns that colour the map: what the server sends of them, and one code per patch for the renderer.

import { fetchBytes } from "./points.js";

/**
 * A column shown as classes.
 * @typedef {object} ClassColumn
 * @property {string} name
 * @property {"classes"} kind
 * @property {"uint8" | "uint16"} dtype of its buffer: class numbers
 * @property {string[]} names
 * @property {number[]} counts
 * @property {number | null} none the class that is drawn grey
 * @property {string} url of its buffer
 */

/**
 * A column shown on a ramp.
 * @typedef {object} ValueColumn
 * @property {string} name
 * @property {"continuous"} kind
 * @property {"float32"} dtype of its buffer: values, NaN for "no value"
 * @property {number} low
 * @property {number} high
 * @property {number} missing rows without a value
 * @property {string} url of its buffer
 */

/** @typedef {ClassColumn | ValueColumn} Column */
/** @typedef {Pick<Column, "url" | "dtype" | "kind">} ColumnBuffer */
/** @typedef {Uint8Array | Uint16Array} Codes one per row */
/** @typedef {Codes | Float32Array} Values one per row */

/** Number of colour steps of a continuous column; the code after them means "no value". */
export const STEPS = 255;

const ARRAYS = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array };

/**
 * What a column's buffer holds.
 * @param {ColumnBuffer} column
 * @returns {Promise<Values>}
 */
export async function fetchValues(column) {
  return new ARRAYS[column.dtype](await fetchBytes(column.url));
}

/**
 * Codes for the renderer: class numbers, or steps of a ramp with `STEPS` for "no value".
 * @param {Column} column
 * @param {Values} values
 * @param {number} n
 * @returns {Codes}
 */
export function codesOf(column, values, n) {
  if (values.length !== n) throw new Error(`the column holds ${values.length} values for ${n} patches`);
  if (column.kind === "continuous") return rampCodes(values, column.low, column.high);
  return classCodes(values);
}

/**
 * Values of a column of classes.
 * @param {Values} values
 * @returns {Codes}
 */
export function classCodes(values) {
  if (values instanceof Float32Array) throw new Error("the column holds no class numbers");
  return values;
}

/**
 * @param {Values} values
 * @param {number} low
 * @param {number} high
 */
function rampCodes(values, low, high) {
  const codes = new Uint8Array(values.length);
  const scale = high > low ? (STEPS - 1) / (high - low) : 0;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i];
    codes[i] = Number.isFinite(value) ? Math.min(STEPS - 1, Math.max(0, Math.round((value - low) * scale))) : STEPS;
  }
  return codes;
}
