// Files on their way to the server: one PUT each, a few at a time, so that no file is ever held in memory.

/** @import { FileEntry } from "./dropped.js" */

const PARALLEL = 3;
const HEADERS = { "x-explorer": "1" }; // another site's page cannot send it without being asked first

export class Sending {
  /**
   * @param {string} url where uploads begin
   * @param {() => void} progress called as bytes leave
   */
  constructor(url, progress) {
    this.url = url;
    this.progress = progress;
    this.id = "";
    this.total = 0; // bytes of all files
    this.arrived = 0; // files
    this.arrived_bytes = 0;
    /** @type {Map<File, number>} */
    this.underway = new Map(); // file on its way -> bytes sent
    /** @type {(FileEntry & {reason: string})[]} */
    this.failed = [];
    this.cancelled = false;
    /** @type {Set<XMLHttpRequest>} */
    this.requests = new Set();
  }

  /**
   * Send files; resolves when each has arrived or failed. Throws where the server refuses to begin.
   * @param {FileEntry[]} entries
   */
  async send(entries) {
    this.failed = [];
    this.total = this.arrived_bytes + entries.reduce((sum, { file }) => sum + file.size, 0);
    this.id ||= (await ask("POST", this.url)).upload_id ?? "";
    const queue = entries[Symbol.iterator]();
    await Promise.all(Array.from({ length: PARALLEL }, () => this.sendNext(queue)));
  }

  /**
   * Send one file after the other until the queue is empty.
   * @param {Iterable<FileEntry>} queue shared with those that send beside
   */
  async sendNext(queue) {
    for (const entry of queue) {
      if (this.cancelled) return;
      try {
        await this.put(entry);
        this.arrived += 1;
        this.arrived_bytes += entry.file.size;
      } catch (error) {
        if (!this.cancelled) this.failed.push({ ...entry, reason: error instanceof Error ? error.message : String(error) });
      }
      this.underway.delete(entry.file);
      this.progress();
    }
  }

  /**
   * @param {FileEntry} entry
   * @returns {Promise<void>}
   */
  put({ path, file }) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest(); // fetch does not report how much has been sent
      this.requests.add(request);
      request.open("PUT", `${this.url}/${encodeURIComponent(this.id)}?name=${encodeURIComponent(path)}`);
      for (const [name, value] of Object.entries(HEADERS)) request.setRequestHeader(name, value);
      request.upload.onprogress = (event) => {
        this.underway.set(file, event.loaded);
        this.progress();
      };
      request.onloadend = () => this.requests.delete(request);
      request.onload = () => (request.status < 300 ? resolve() : reject(new Error(reason(request.status, request.responseText))));
      request.onerror = () => reject(new Error("The server did not answer."));
      request.onabort = () => reject(new Error("Cancelled."));
      request.send(file);
    });
  }

  /** Bytes sent so far. */
  get sent_bytes() {
    return this.arrived_bytes + [...this.underway.values()].reduce((sum, part) => sum + part, 0);
  }

  /** Stop, and have the server remove what arrived. */
  async cancel() {
    this.cancelled = true;
    for (const request of this.requests) request.abort();
    if (this.id) await ask("DELETE", `${this.url}/${encodeURIComponent(this.id)}`);
  }
}

/**
 * @param {string} method
 * @param {string} url
 * @returns {Promise<{upload_id?: string}>}
 */
async function ask(method, url) {
  const response = await fetch(url, { method, headers: HEADERS });
  const text = await response.text();
  if (!response.ok) throw new Error(reason(response.status, text));
  return text ? JSON.parse(text) : {};
}

/**
 * The server's own sentence, where it gave one.
 * @param {number} status
 * @param {string} text
 * @returns {string}
 */
function reason(status, text) {
  try {
    return JSON.parse(text).error;
  } catch {
    return status === 413 ? "The file is too large." : `The server answered ${status}.`;
  }
}
