// Files from a drop, a file chooser or the clipboard, each with its path below the folder that was given.

/** @typedef {{path: string, file: File}} FileEntry */

/**
 * Files of a drop; folders are read to the bottom.
 * @param {DataTransfer} transfer
 */
export async function fromDrop(transfer) {
  const tops = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (!tops.length) return fromChooser(transfer.files); // dragged from another page, not from a disk
  /** @type {FileEntry[]} */
  const found = [];
  for (const top of tops) await walk(top, "", found);
  return found;
}

/**
 * @param {FileSystemEntry} entry
 * @param {string} above path of the folder that holds it, ending in a slash, or ""
 * @param {FileEntry[]} found
 */
async function walk(entry, above, found) {
  const path = above + entry.name;
  if (entry.isFile) {
    const top = /** @type {FileSystemFileEntry} */ (entry);
    found.push({ path, file: await new Promise((resolve, reject) => top.file(resolve, reject)) });
    return;
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // at most 100 at a time
    if (!some.length) return;
    for (const child of some) await walk(child, `${path}/`, found);
  }
}

/**
 * @param {FileList} files
 * @returns {FileEntry[]}
 */
export const fromChooser = (files) => [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));

/**
 * Pictures on the clipboard.
 * @param {DataTransfer | null} data
 * @returns {FileEntry[]}
 */
export function fromClipboard(data) {
  const pictures = [...(data?.files ?? [])].filter((file) => file.type.startsWith("image/"));
  return pictures.map((file) => ({ path: file.name || "pasted.png", file }));
}
