// What was dropped or chosen, folders and all. Hidden files are named, not taken.
const HIDDEN = /^(\.|~\$|Thumbs\.db$|desktop\.ini$|__MACOSX$)/i;

// Ask at once: after the event, the browser forgets what was dropped.
export function filesOf(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.());
  if (!items.length || entries.some((entry) => !entry)) return Promise.resolve(chosen(transfer.files));
  return walkAll(entries);
}

// From a file field; one for folders knows where each file lay.
export function chosen(files) {
  const found = { files: [], skipped: [] };
  for (const file of files) {
    const path = file.webkitRelativePath || file.name;
    if (path.split("/").some((name) => HIDDEN.test(name))) found.skipped.push(path);
    else found.files.push({ file, path });
  }
  found.files.sort((a, b) => inOrder(a.path, b.path));
  return found;
}

async function walkAll(entries) {
  const found = { files: [], skipped: [] };
  for (const entry of entries) await walk(entry, found);
  return found;
}

async function walk(entry, found) {
  const path = entry.fullPath.replace(/^\//, "");
  if (HIDDEN.test(entry.name)) {
    found.skipped.push(path);
    return;
  }
  try {
    if (entry.isFile) found.files.push({ file: await promised((ok, no) => entry.file(ok, no)), path });
    else for (const one of await listed(entry)) await walk(one, found);
  } catch {
    found.skipped.push(path);
  }
}

// A browser hands out at most 100 entries at a time.
async function listed(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    const some = await promised((ok, no) => reader.readEntries(ok, no));
    if (!some.length) return all.sort((a, b) => inOrder(a.name, b.name));
    all.push(...some);
  }
}

const inOrder = new Intl.Collator(undefined, { numeric: true }).compare;
const promised = (ask) => new Promise(ask);
