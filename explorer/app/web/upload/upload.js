// A place to bring files: dropped, chosen or pasted, with progress, cancel and retry.
//
// data:  url, folder (offer whole folders), paste (take pictures from the clipboard), max_bytes (of all files), words
// state: done {upload_id, n, bytes} or null

import { fromChooser, fromClipboard, fromDrop } from "./dropped.js";
import { count, el, style } from "../common/dom.js";
import { Sending } from "./sending.js";
import { teller } from "../common/state.js";

export async function mount(component) {
  await style(component.parentElement, "upload/upload.css");
  const upload = new Upload(component.parentElement);
  upload.update(component);
  return upload;
}

class Upload {
  constructor(root) {
    const chooser = (extra) => {
      const input = el("input", { type: "file", multiple: true, hidden: true, ...extra });
      input.addEventListener("change", () => {
        this.take(fromChooser(input.files));
        input.value = "";
      });
      return input;
    };
    this.files = chooser({});
    this.folders = chooser({ webkitdirectory: true });
    this.body = el("div", { class: "drop-body" });
    this.root = el("div", { class: "drop", role: "group", "aria-label": "Upload" }, this.body, this.files, this.folders);
    this.voice = el("div", { class: "for-readers", role: "status", "aria-live": "polite" });
    this.root.append(this.voice);
    root.append(this.root);
    this.root.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.root.classList.add("over");
    });
    this.root.addEventListener("dragleave", () => this.root.classList.remove("over"));
    this.root.addEventListener("drop", async (event) => {
      event.preventDefault();
      this.root.classList.remove("over");
      this.take(await fromDrop(event.dataTransfer));
    });
    this.pasted = (event) => {
      const entries = this.data?.paste ? fromClipboard(event.clipboardData) : [];
      if (!entries.length) return; // text goes where it was meant to go
      event.preventDefault();
      this.take(entries);
    };
    document.addEventListener("paste", this.pasted);
  }

  update(component) {
    this.tell = teller(component);
    const first = !this.data;
    this.data = component.data;
    if (first) this.invite();
    this.root.dataset.ready = "1";
  }

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

  async take(entries) {
    if (this.sending || !entries.length) return;
    const total = entries.reduce((sum, { file }) => sum + file.size, 0);
    if (total > this.data.max_bytes) {
      this.invite(`These are ${size(total)}, more than the ${size(this.data.max_bytes)} that fit; choose fewer.`);
      return;
    }
    this.sending = new Sending(this.data.url, () => this.progress());
    await this.run(entries, entries.length);
  }

  async run(entries, all) {
    const { sending } = this;
    this.all = all;
    this.since = performance.now();
    this.start = sending.gone;
    this.bar = el("progress", { max: "1", value: "0", "aria-label": "Upload" });
    this.words = el("p", { class: "drop-words" });
    this.show(this.words, this.bar, el("div", { class: "drop-buttons" }, button("Cancel", () => this.cancel())));
    this.progress();
    try {
      await sending.send(entries);
    } catch (error) {
      this.invite(`The upload could not begin. ${error.message}`);
      return;
    }
    if (sending.cancelled) return;
    if (sending.failed.length) this.offerRetry();
    else this.finish();
  }

  progress() {
    const { sending } = this;
    if (!sending || sending.cancelled) return;
    const seconds = (performance.now() - this.since) / 1000;
    const rate = (sending.gone - this.start) / Math.max(0.001, seconds);
    const left = rate > 0 && seconds > 1 ? ` · ${time((sending.total - sending.gone) / rate)} left` : "";
    this.bar.value = sending.total ? Math.min(1, sending.gone / sending.total) : 1;
    this.words.textContent = `${count(sending.arrived)} of ${files(this.all)} · ${size(sending.gone)} of ${size(sending.total)}${left}`;
  }

  offerRetry() {
    const { failed, arrived } = this.sending;
    const some = failed.slice(0, 3).map(({ path, reason }) => el("li", {}, `${path}: ${reason}`));
    if (failed.length > some.length) some.push(el("li", {}, `and ${count(failed.length - some.length)} more`));
    const without = arrived ? [button("Go on without", () => this.finish())] : [];
    const retry = button("Try again", () => this.run(failed, this.all));
    this.show(
      el("p", { class: "problem", role: "alert" }, `${files(failed.length)} did not arrive.`),
      el("ul", { class: "caption" }, ...some),
      el("div", { class: "drop-buttons" }, retry, ...without, button("Cancel", () => this.cancel())),
    );
  }

  finish() {
    const { id, arrived, bytes } = this.sending;
    this.show(
      el("p", { class: "drop-words" }, `${files(arrived)} ${arrived === 1 ? "is" : "are"} here (${size(bytes)}).`),
      el("div", { class: "drop-buttons" }, button("Choose others", () => this.again())),
    );
    this.voice.textContent = `Upload complete, ${files(arrived)}.`;
    this.sending = null;
    this.tell("done", { upload_id: id, n: arrived, bytes });
  }

  again() {
    this.tell("done", null);
    this.invite();
  }

  async cancel() {
    const { sending } = this;
    this.invite();
    this.voice.textContent = "Upload cancelled.";
    try {
      await sending.cancel();
    } catch (error) {
      this.invite(`Cancelled, but the server still holds what had arrived. ${error.message}`);
    }
  }

  show(...nodes) {
    this.body.replaceChildren(...nodes.filter((node) => node !== null));
  }

  destroy() {
    document.removeEventListener("paste", this.pasted);
    this.sending?.cancel();
    this.root.remove();
  }
}

const button = (text, onclick) => el("button", { type: "button", class: "button", onclick }, text);
const files = (n) => `${count(n)} ${n === 1 ? "file" : "files"}`;

function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = bytes;
  for (; value >= 1000 && unit < units.length - 1; unit += 1) value /= 1000;
  return `${value >= 10 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

function time(seconds) {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  return seconds < 3600 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
