// Sent with each widget; kept small because Streamlit sends it again with every change of data.
// It imports the widget's module from our own server, under an address that names its content, and hands data on.

const FAILED = "This part of the page could not be loaded. Reload the page; if it stays away, ask whoever runs the server.";
const mounted = new WeakMap();

export default function (component) {
  const root = component.parentElement;
  let entry = mounted.get(root);
  if (entry) {
    entry.latest = component;
    entry.widget?.update(component);
  } else {
    entry = { latest: component, widget: null, gone: false };
    mounted.set(root, entry);
    const { height_px } = component.data;
    if (height_px) root.host.style.minHeight = `${height_px}px`; // so that the page does not jump when the module is here
    start(entry, root);
  }
  return () => {
    entry.gone = true;
    entry.widget?.destroy();
    mounted.delete(root);
  };
}

async function start(entry, root) {
  const first = entry.latest;
  try {
    const module = await import(new URL(first.data.module, window.location.origin).href);
    if (entry.gone) return;
    entry.widget = await module.mount(first);
  } catch (error) {
    root.append(Object.assign(document.createElement("p"), { textContent: FAILED, title: String(error) }));
    return;
  }
  if (entry.gone) entry.widget.destroy();
  else if (entry.latest !== first) entry.widget.update(entry.latest);
}
