// A place to bring files: dropped, chosen or pasted, with progress, cancel and retry.

import { count, el, style } from "../common/dom.js";
import { stateSender } from "../common/state.js";
import { fromChooser, fromClipboard, fromDrop } from "./dropped.js";
import { Sending } from "./sending.js";

/** @import { Component } from "../common/state.js" */
/** @import { Attributes } from "../common/dom.js" */
/** @import { FileEntry } from "./dropped.js" */

/**
 * What the Python side sends. State sent back: `done` {upload_id, n, bytes} or null.
 * @typedef {object} UploadData
 * @property {string} url where uploads begin
 * @property {boolean} folder offer whole folders
 * @property {boolean} paste take pictures from the clipboard
 * @property {number} max_bytes of all files
 * @property {string} words what belongs here
 */

/** @param {Component<UploadData>} component */
export async function mount(component) {
  await style(component.parentElement, "upload/upload.css");
  return new Upload(component);
}

class Upload {
  /** @param {Component<UploadData>} component */
  constructor(component) {
    this.data = component.data;
    this.sendState = stateSender(component);
    /** @type {Sending | null} */
    this.sending = null;
    this.n_files = 0; // of this upload
    this.start_ms = 0; // when the present run began ...
    this.start_bytes = 0; // ... and what had been sent by then
    this.bar = el("progress");
    this.text = el("p");
    this.files = this.chooser({});
    this.folders = this.chooser({ webkitdirectory: true });
    this.body = el("div", { class: "drop-body" });
    this.announcer = el("div", { class: "for-readers", role: "status", "aria-live": "polite" });
    this.root = el("div", { class: "drop", role: "group", "aria-label": "Upload" }, this.body, this.files, this.folders, this.announcer);
    component.parentElement.append(this.root);
    this.paste = (/** @type {ClipboardEvent} */ event) => {
      const entries = this.data.paste ? fromClipboard(event.clipboardData) : [];
      if (!entries.length) return; // text goes where it was meant to go
      event.preventDefault();
      this.take(entries);
    };
    this.listen();
    this.invite();
    this.root.dataset.ready = "1";
  }

  /** @param {Component<UploadData>} component */
  update(component) {
    this.sendState = stateSender(component);
    this.data = component.data;
  }

  /** @param {Attributes} extra */
  chooser(extra) {
    const input = el("input", { type: "file", multiple: true, hidden: true, ...extra });
    input.addEventListener("change", () => {
      this.take(fromChooser(input.files ?? new DataTransfer().files));
      input.value = "";
    });
    return input;
  }

  listen() {
    const { root } = this;
    root.addEventListener("dragover", (event) => {
      event.preventDefault();
      root.classList.add("over");
    });
    root.addEventListener("dragleave", () => root.classList.remove("over"));
    root.addEventListener("drop", async (event) => {
      event.preventDefault();
      root.classList.remove("over");
      if (event.dataTransfer) this.take(await fromDrop(event.dataTransfer));
    });
    document.addEventListener("paste", this.paste);
  }

  /**
   * Ask for files.
   * @param {string} [problem] what went wrong before
   */
  invite(problem = "") {
    this.sending = null;
    const { data } = this;
    const buttons = [button("Choose files", () => this.files.click())];
    if (data.folder) buttons.push(button("Choose a folder", () => this.folders.click()));
    const paste = data.paste ? " You can also paste a picture." : "";
    this.show(
      el("p", { class: "drop-words" }, data.words),
      el("div", { class: "drop-buttons" }, ...buttons),
      el("p", { class: "caption" }, `At most ${size(data.max_bytes)}.${paste}`),
      problem ? el("p", { class: "problem", role: "alert" }, problem) : null,
    );
  }

  /** @param {FileEntry[]} entries */
  async take(entries) {
    if (this.sending || !entries.length) return;
    const total = entries.reduce((sum, { file }) => sum + file.size, 0);
    if (total > this.data.max_bytes) {
      this.invite(`These are ${size(total)}, more than the ${size(this.data.max_bytes)} that fit; choose fewer.`);
      return;
    }
    const sending = new Sending(this.data.url, () => this.progress());
    this.sending = sending;
    this.n_files = entries.length;
    await this.run(sending, entries);
  }

  /**
   * @param {Sending} sending
   * @param {FileEntry[]} entries
   */
  async run(sending, entries) {
    this.start_ms = performance.now();
    this.start_bytes = sending.sent_bytes;
    this.bar = el("progress", { max: "1", value: "0", "aria-label": "Upload" });
    this.text = el("p", { class: "drop-words" });
    this.show(this.text, this.bar, el("div", { class: "drop-buttons" }, button("Cancel", () => this.cancel(sending))));
    this.progress();
    try {
      await sending.send(entries);
    } catch (error) {
      this.invite(`The upload could not begin. ${error instanceof Error ? error.message : error}`);
      return;
    }
    if (sending.cancelled) return;
    if (sending.failed.length) this.offerRetry(sending);
    else this.finish(sending);
  }

  progress() {
    const { sending } = this;
    if (!sending || sending.cancelled) return;
    const seconds = (performance.now() - this.start_ms) / 1000;
    const rate = (sending.sent_bytes - this.start_bytes) / Math.max(0.001, seconds);
    const left = rate > 0 && seconds > 1 ? ` · ${time((sending.total - sending.sent_bytes) / rate)} left` : "";
    this.bar.value = sending.total ? Math.min(1, sending.sent_bytes / sending.total) : 1;
    const bytes = `${size(sending.sent_bytes)} of ${size(sending.total)}`;
    this.text.textContent = `${count(sending.arrived)} of ${files(this.n_files)} · ${bytes}${left}`;
  }

  /** @param {Sending} sending */
  offerRetry(sending) {
    const { failed, arrived } = sending;
    const some = failed.slice(0, 3).map(({ path, reason }) => el("li", {}, `${path}: ${reason}`));
    if (failed.length > some.length) some.push(el("li", {}, `and ${count(failed.length - some.length)} more`));
    const without = arrived ? [button("Go on without", () => this.finish(sending))] : [];
    const retry = button("Try again", () => this.run(sending, failed));
    this.show(
      el("p", { class: "problem", role: "alert" }, `${files(failed.length)} did not arrive.`),
      el("ul", { class: "caption" }, ...some),
      el("div", { class: "drop-buttons" }, retry, ...without, button("Cancel", () => this.cancel(sending))),
    );
  }

  /** @param {Sending} sending */
  finish({ id, arrived, arrived_bytes }) {
    this.show(
      el("p", { class: "drop-words" }, `${files(arrived)} ${arrived === 1 ? "is" : "are"} here (${size(arrived_bytes)}).`),
      el("div", { class: "drop-buttons" }, button("Choose others", () => this.again())),
    );
    this.announcer.textContent = `Upload complete, ${files(arrived)}.`;
    this.sending = null;
    this.sendState("done", { upload_id: id, n: arrived, bytes: arrived_bytes });
  }

  again() {
    this.sendState("done", null);
    this.invite();
  }

  /** @param {Sending} sending */
  async cancel(sending) {
    this.invite();
    this.announcer.textContent = "Upload cancelled.";
    try {
      await sending.cancel();
    } catch (error) {
      this.invite(`Cancelled, but the server still holds what had arrived. ${error instanceof Error ? error.message : error}`);
    }
  }

  /** @param {(Node | null)[]} nodes */
  show(...nodes) {
    this.body.replaceChildren(...nodes.filter((node) => node !== null));
  }

  destroy() {
    document.removeEventListener("paste", this.paste);
    this.sending?.cancel();
    this.root.remove();
  }
}

/**
 * @param {string} text
 * @param {() => void} onclick
 */
const button = (text, onclick) => el("button", { type: "button", class: "button", onclick }, text);

/** @param {number} n */
const files = (n) => `${count(n)} ${n === 1 ? "file" : "files"}`;

/** @param {number} bytes */
function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = bytes;
  for (; value >= 1000 && unit < units.length - 1; unit += 1) value /= 1000;
  return `${value >= 10 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** @param {number} seconds */
function time(seconds) {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  return seconds < 3600 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
