// Colours of classes and of continuous columns, in sRGB bytes.

/** @typedef {[red: number, green: number, blue: number]} RGB sRGB bytes, or linear light from 0 to 1 where its user says so */
/** @typedef {{rgb: RGB, full: RGB, weak: RGB}} Seen a colour as seen with full and with deuteranopic vision, both in OKLab */

// Okabe and Ito (2008), the set that stays apart under the common kinds of colour blindness; black is left out
// because it vanishes on a dark page.
/** @type {RGB[]} */
const OKABE_ITO = [
  [0, 114, 178],
  [230, 159, 0],
  [0, 158, 115],
  [213, 94, 0],
  [204, 121, 167],
  [86, 180, 233],
  [240, 228, 66],
];
/** @type {RGB} */
export const NONE = [150, 150, 150];
// Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB
const DEUTERANOPE = [
  [0.367322, 0.860646, -0.227968],
  [0.280085, 0.672501, 0.047413],
  [-0.01182, 0.04294, 0.968881],
];

/**
 * `k` colours: Okabe-Ito, then colours chosen one by one to lie farthest from all before them.
 * @param {number} k
 */
export function classes(k) {
  const chosen = OKABE_ITO.slice(0, k);
  if (k <= chosen.length) return chosen;
  const pool = candidates();
  const apart = pool.map((one) => Math.min(...chosen.map((other) => distance(one, seen(other)))));
  while (chosen.length < Math.min(k, pool.length)) {
    let best = 0;
    for (let i = 1; i < pool.length; i += 1) if (apart[i] > apart[best]) best = i;
    chosen.push(pool[best].rgb);
    for (let i = 0; i < pool.length; i += 1) apart[i] = Math.min(apart[i], distance(pool[i], pool[best]));
  }
  while (chosen.length < k) chosen.push(chosen[chosen.length - pool.length]); // more classes than an eye can tell apart: repeat
  return chosen;
}

/**
 * A ramp of `k` colours of evenly rising lightness, from violet over blue and green to yellow.
 * @param {number} k
 */
export function ramp(k) {
  return Array.from({ length: k }, (_, i) => {
    const t = k > 1 ? i / (k - 1) : 0;
    return oklch(0.38 + 0.52 * t, 0.13 + 0.02 * Math.sin(Math.PI * t), 310 - 205 * t) ?? NONE;
  });
}

/** @param {RGB} colour */
export const css = ([r, g, b]) => `rgb(${r} ${g} ${b})`;

function candidates() {
  /** @type {Seen[]} */
  const pool = [];
  for (const lightness of [0.48, 0.56, 0.64, 0.72, 0.8]) {
    for (const chroma of [0.06, 0.11, 0.16]) {
      for (let hue = 0; hue < 360; hue += 15) {
        const rgb = oklch(lightness, chroma, hue);
        if (rgb) pool.push(seen(rgb));
      }
    }
  }
  return pool;
}

/**
 * @param {RGB} rgb
 * @returns {Seen}
 */
function seen(rgb) {
  const linear = each(rgb, toLinear);
  const [red, green, blue] = DEUTERANOPE.map((row) => Math.max(0, row[0] * linear[0] + row[1] * linear[1] + row[2] * linear[2]));
  return { rgb, full: oklab(linear), weak: oklab([red, green, blue]) };
}

/**
 * @param {RGB} colour
 * @param {(channel: number) => number} change
 * @returns {RGB}
 */
const each = ([red, green, blue], change) => [change(red), change(green), change(blue)];

/**
 * Distance of two colours; what a deuteranope sees of it counts half.
 * @param {Seen} a
 * @param {Seen} b
 */
function distance(a, b) {
  return Math.hypot(...a.full.map((v, i) => v - b.full[i])) + 0.5 * Math.hypot(...a.weak.map((v, i) => v - b.weak[i]));
}

/**
 * OKLCH (Ottosson 2020) to sRGB bytes; outside sRGB's gamut with less chroma, or null where even that is outside.
 * @param {number} lightness
 * @param {number} chroma
 * @param {number} hue degrees
 * @returns {RGB | null}
 */
function oklch(lightness, chroma, hue) {
  const angle = (hue * Math.PI) / 180;
  const a = chroma * Math.cos(angle);
  const b = chroma * Math.sin(angle);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  /** @type {RGB} */
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  if (linear.some((value) => value < -0.001 || value > 1.001)) {
    return chroma > 0.02 ? oklch(lightness, chroma * 0.9, hue) : null;
  }
  return each(linear, toByte);
}

/**
 * Linear light to OKLab (Ottosson 2020).
 * @param {RGB} linear
 * @returns {RGB}
 */
function oklab([r, g, b]) {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** @param {number} byte */
function toLinear(byte) {
  const value = byte / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

/** @param {number} linear */
function toByte(linear) {
  const value = Math.min(1, Math.max(0, linear));
  return Math.round(255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055));
}
