// Files from a drop, a chooser or the clipboard, each with its path below the folder that was given.

/** Entries `{path, file}` of a drop; folders are read to the bottom. */
export async function fromDrop(transfer) {
  const tops = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!tops.length) return fromChooser(transfer.files); // dragged from another page, not from a disk
  const found = [];
  for (const top of tops) await walk(top, "", found);
  return found;
}

async function walk(entry, above, found) {
  const path = above + entry.name;
  if (entry.isFile) {
    found.push({ path, file: await new Promise((resolve, reject) => entry.file(resolve, reject)) });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // at most 100 at a time
    if (!some.length) return;
    for (const child of some) await walk(child, `${path}/`, found);
  }
}

export const fromChooser = (files) => [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));

/** Pictures on the clipboard. */
export function fromClipboard(data) {
  const pictures = [...(data?.files ?? [])].filter((file) => file.type.startsWith("image/"));
  return pictures.map((file) => ({ path: file.name || "pasted.png", file }));
}
