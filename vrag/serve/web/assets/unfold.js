// The documents in folders that were dropped, to the bottom.

const ENDINGS = /\.(pdf|png|jpe?g|tiff?|webp)$/i;

/** Files that were dropped, with those in folders; `entries` are what the browser says of each. */
export async function unfold(entries, files) {
  if (!entries.some((entry) => entry?.isDirectory)) return files;
  const found = [];
  for (const entry of entries) await walk(entry, found, true);
  return found;
}

async function walk(entry, found, isDropped = false) {
  if (entry.isFile) {
    if (isDropped || ENDINGS.test(entry.name)) found.push(await new Promise((done, fail) => entry.file(done, fail)));
    return;
  }
  const reader = entry.createReader();
  const next = () => new Promise((done, fail) => reader.readEntries(done, fail)); // some of them; none at the end
  for (let some = await next(); some.length; some = await next()) {
    for (const inner of some) await walk(inner, found);
  }
}
