// Files on their way to the server: one PUT each, a few at a time, so that no file is ever held in memory.

const LANES = 3;
const HEADERS = { "x-explorer": "1" }; // another site's page cannot send it without being asked first

export class Sending {
  /** `url` is where uploads begin; `progress()` is called as bytes leave. */
  constructor(url, progress) {
    this.url = url;
    this.progress = progress;
    this.id = null;
    this.total = 0;
    this.sent = new Map(); // file on its way -> bytes sent
    this.bytes = 0; // of files that arrived
    this.arrived = 0;
    this.failed = [];
    this.cancelled = false;
    this.requests = new Set();
  }

  /** Send `[{path, file}]`; resolves when each has arrived or failed. Throws where the server refuses to begin. */
  async send(entries) {
    this.failed = [];
    this.total = this.bytes + entries.reduce((sum, { file }) => sum + file.size, 0);
    this.id ??= (await ask("POST", this.url)).upload_id;
    const queue = entries[Symbol.iterator]();
    await Promise.all(Array.from({ length: LANES }, () => this.lane(queue)));
  }

  async lane(queue) {
    for (const entry of queue) {
      if (this.cancelled) return;
      try {
        await this.put(entry);
        this.arrived += 1;
        this.bytes += entry.file.size;
      } catch (error) {
        if (!this.cancelled) this.failed.push({ ...entry, reason: error.message });
      }
      this.sent.delete(entry.file);
      this.progress();
    }
  }

  put({ path, file }) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest(); // fetch does not tell how much has been sent
      this.requests.add(request);
      request.open("PUT", `${this.url}/${encodeURIComponent(this.id)}?name=${encodeURIComponent(path)}`);
      for (const [name, value] of Object.entries(HEADERS)) request.setRequestHeader(name, value);
      request.upload.onprogress = (event) => {
        this.sent.set(file, event.loaded);
        this.progress();
      };
      request.onloadend = () => this.requests.delete(request);
      request.onload = () => (request.status < 300 ? resolve() : reject(new Error(reason(request.status, request.responseText))));
      request.onerror = () => reject(new Error("The server did not answer."));
      request.onabort = () => reject(new Error("Cancelled."));
      request.send(file);
    });
  }

  /** Bytes that have left so far. */
  get gone() {
    return this.bytes + [...this.sent.values()].reduce((sum, part) => sum + part, 0);
  }

  /** Stop, and have the server throw away what arrived. */
  async cancel() {
    this.cancelled = true;
    for (const request of this.requests) request.abort();
    if (this.id) await ask("DELETE", `${this.url}/${encodeURIComponent(this.id)}`);
  }
}

async function ask(method, url) {
  const answer = await fetch(url, { method, headers: HEADERS });
  const text = await answer.text();
  if (!answer.ok) throw new Error(reason(answer.status, text));
  return text ? JSON.parse(text) : {};
}

/** The server's own sentence, where it gave one. */
function reason(status, text) {
  try {
    return JSON.parse(text).error;
  } catch {
    return status === 413 ? "The file is too large." : `The server answered ${status}.`;
  }
}
