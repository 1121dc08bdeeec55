// Files that arrive by drop or paste, on any page: one picture may be searched by, all others are added.
import { chosen, filesOf } from "./folders.js";

let searchBy = null;
let add = null;
const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
const zone = (name) => document.querySelector(`.drop-zone[data-zone="${name}"]`);
const isPicture = (file) => file.type.startsWith("image/");
const TEXT_FIELDS = "input:not([type=file], [type=checkbox], [type=radio]), textarea, [contenteditable]";

export function veil(name) {
  return document.querySelector(`.drop-veil[data-veil="${name}"]`);
}

// Who searches by a picture: called with an array of one File.
export function onFiles(take) {
  searchBy = take;
}

// Who adds: called with { files: [{ file, path }], skipped: [path] }.
export function onAdd(take) {
  add = take;
}

// Add Files to the library, from wherever they come.
export function addFiles(files) {
  add?.(chosen(files));
}

export function startFiles() {
  listenForDrops();
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (event.defaultPrevented || !files.length || isText(event)) return;
    event.preventDefault();
    if (files.length === 1 && isPicture(files[0]) && searchBy && zone("search") && (onSearchPage() || !add)) searchBy(files);
    else addFiles(files.map(named));
  });
}

function listenForDrops() {
  let depth = 0;
  let ours = false;
  const hide = () => { depth = 0; const cover = veil("drop"); if (cover) cover.hidden = true; };
  // A picture that is dragged from the page itself is no file to add.
  document.addEventListener("dragstart", () => { ours = true; });
  document.addEventListener("dragend", () => { ours = false; });
  document.addEventListener("dragenter", (event) => {
    if (ours || !carriesFiles(event)) return;
    event.preventDefault();
    depth += 1;
    lift(event);
  });
  document.addEventListener("dragover", (event) => {
    if (ours || !carriesFiles(event)) return;
    event.preventDefault();
    for (const one of document.querySelectorAll(".drop-zone")) one.classList.toggle("over", one === zone(target(event)));
  });
  document.addEventListener("dragleave", (event) => {
    if (ours || !carriesFiles(event)) return;
    depth -= 1;
    if (depth <= 0) hide();
  });
  document.addEventListener("drop", (event) => {
    if (ours || !carriesFiles(event)) return;
    const wanted = target(event);
    hide();
    if (event.defaultPrevented) return;
    event.preventDefault();
    take(wanted, event.dataTransfer);
  });
}

function lift(event) {
  const cover = veil("drop");
  // Where one writes, a picture is dropped into what one writes.
  if (!cover || document.querySelector("[data-takes-files]")) return;
  if (zone("search")) zone("search").hidden = !mayServe(event);
  if (zone("add")) zone("add").hidden = !add;
  cover.hidden = ![...cover.children].some((one) => !one.hidden);
}

// Whether what is dragged can be searched by: one picture; where nothing can be added, anything that may hold one.
function mayServe(event) {
  const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
  const one = items.length === 1 && isPicture(items[0]);
  return Boolean(searchBy) && (one || !add);
}

function target(event) {
  const offered = ["search", "add"].filter((name) => zone(name) && !zone(name).hidden);
  const pointed = event.target.closest?.(".drop-zone")?.dataset.zone;
  return offered.includes(pointed) ? pointed : onSearchPage() ? offered[0] : offered.at(-1);
}

async function take(wanted, transfer) {
  if (wanted === "search") {
    const files = [...transfer.files];
    searchBy([files.find(isPicture) ?? files[0]]);
  } else if (wanted === "add") add(await filesOf(transfer));
}

// Text copied from an office program carries a picture of itself too: in a text field the text is meant.
function isText(event) {
  return event.target.closest?.(TEXT_FIELDS) && event.clipboardData.types.includes("text/plain");
}

function onSearchPage() {
  return ["/", "/search"].includes(location.pathname);
}

// A browser calls every pasted picture image.png.
function named(file) {
  if (file.name !== "image.png") return file;
  const moment = new Date(Date.now() - new Date().getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
  const word = document.querySelector("#sending-row")?.dataset.pasted ?? "image";
  return new File([file], `${word} ${moment.replace("T", " ").replaceAll(":", ".")}.png`, { type: file.type });
}
