// Sent with each widget; kept small because Streamlit sends it again with every change of data.
// It imports the widget's module from our own server, under a URL that names its content, and hands the data on.

/** @import { Component } from "./state.js" */
/** @typedef {{module: string, height_px?: number}} LoaderData the module's URL, and the height to reserve */
/** @typedef {{update(component: Component<LoaderData>): void, destroy(): void}} Widget */
/** @typedef {{latest: Component<LoaderData>, widget: Widget | null, removed: boolean}} Entry */

const FAILED = "This part of the page could not be loaded. Reload the page; if it stays away, ask the administrator of the server.";
/** @type {WeakMap<ShadowRoot, Entry>} */
const entries = new WeakMap();

/** @param {Component<LoaderData>} component */
export default function (component) {
  const root = component.parentElement;
  const known = entries.get(root);
  const entry = known ?? begin(component);
  if (known) {
    known.latest = component;
    known.widget?.update(component);
  }
  return () => {
    entry.removed = true;
    entry.widget?.destroy();
    entries.delete(root);
  };
}

/** @param {Component<LoaderData>} component */
function begin(component) {
  const root = component.parentElement;
  /** @type {Entry} */
  const entry = { latest: component, widget: null, removed: false };
  entries.set(root, entry);
  const { height_px } = component.data;
  if (height_px && root.host instanceof HTMLElement) root.host.style.minHeight = `${height_px}px`; // the page must not jump when it is loaded
  load(entry, root);
  return entry;
}

/**
 * @param {Entry} entry
 * @param {ShadowRoot} root
 */
async function load(entry, root) {
  const first = entry.latest;
  try {
    /** @type {{mount(component: Component<LoaderData>): Promise<Widget>}} */
    const module = await import(new URL(first.data.module, window.location.origin).href);
    if (entry.removed) return;
    entry.widget = await module.mount(first);
  } catch (error) {
    root.append(Object.assign(document.createElement("p"), { textContent: FAILED, title: String(error) }));
    return;
  }
  if (entry.removed) entry.widget.destroy();
  else if (entry.latest !== first) entry.widget.update(entry.latest);
}
