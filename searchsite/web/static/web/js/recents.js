// What the box offers: recent searches while it is empty, kept in this browser alone, by person and team; while somebody
// types, recent ones with these words and what the library suggests. A grid that the box steers: arrows move in it,
// Enter takes, Delete removes a recent one, Escape closes.
import { suggestions } from "./suggesting.js";

const MOST = 10;
const MOST_RECENT_TYPED = 2;

export function startRecents() {
  const box = document.querySelector("#q");
  const list = document.querySelector("#recents");
  const told = document.querySelector("#recents-told");
  if (!box || !list) return;
  const name = `recent:${box.form.dataset.owner}`;
  const off = `${name}:off`;
  const isOff = () => localStorage.getItem(off) !== null;
  const suggest = suggestions(list.dataset.suggest);
  let active = null;

  remember();
  box.setAttribute("role", "combobox");
  box.setAttribute("aria-haspopup", "grid");
  box.setAttribute("aria-controls", "recents");
  box.setAttribute("aria-expanded", "false");
  box.addEventListener("focus", () => { if (!box.value && entries().length) open(); });
  box.addEventListener("click", () => { if (!box.value && entries().length) open(); });
  box.addEventListener("input", (event) => {
    if (event.isComposing) return;
    if (box.value) typed();
    else { suggest.stop(); if (entries().length) open(); else close(); }
  });
  box.addEventListener("blur", () => { suggest.stop(); close(); });
  box.addEventListener("keydown", pressed);
  // The box keeps the focus while something in the list is pressed.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const cell = event.target.closest("[role=gridcell]");
    if (cell) take(cell);
  });
  document.querySelector("[data-recents-switch]")?.addEventListener("click", (event) => {
    turn(isOff());
    event.currentTarget.closest("details").open = false;
  });
  shown();

  function entries() {
    if (isOff()) return [];
    try {
      const kept = JSON.parse(localStorage.getItem(name) ?? "[]");
      return Array.isArray(kept) ? kept.filter((one) => one?.url?.startsWith("/") && one.label) : [];
    } catch {
      return [];
    }
  }

  function store(kept) {
    try { localStorage.setItem(name, JSON.stringify(kept.slice(0, MOST))); } catch { /* no room, no list */ }
  }

  // Going to a later page, or back, is no new search; the address is the same.
  function remember() {
    const found = document.querySelector("[data-found]");
    if (!found?.dataset.url || isOff()) return;
    const { url, words, label, image } = found.dataset;
    store([{ url, words, label, image }, ...entries().filter((one) => one.url !== url)]);
  }

  function turn(on) {
    if (on) localStorage.removeItem(off);
    else {
      localStorage.setItem(off, "1");
      localStorage.removeItem(name);
    }
    shown();
    close();
  }

  function shown() {
    const button = document.querySelector("[data-recents-switch]");
    if (button) button.lastElementChild.textContent = isOff() ? button.dataset.on : button.dataset.off;
  }

  function open() {
    const rows = entries().map(rowOf);
    if (rows.length) rows.push(plainRow("clear"), plainRow("off"));
    else if (isOff()) rows.push(plainRow("on"));
    list.setAttribute("aria-label", list.dataset.recent);
    show(rows);
  }

  function show(rows) {
    list.replaceChildren(...rows);
    list.hidden = !rows.length;
    box.setAttribute("aria-expanded", String(rows.length > 0));
    move(null);
  }

  // An answer that comes after the box says something else, or was left, is thrown away.
  async function typed() {
    const words = box.value;
    const found = await suggest.of(words);
    if (!found || box.value !== words || document.activeElement !== box) return;
    const like = words.trim().toLowerCase();
    const known = entries().filter((one) => one.words?.toLowerCase().startsWith(like) && one.words.toLowerCase() !== like);
    const recent = known.slice(0, MOST_RECENT_TYPED);
    const rest = found.filter((one) => !recent.some((own) => own.words.toLowerCase() === one.query.toLowerCase()));
    list.setAttribute("aria-label", list.dataset.suggestions);
    show([...recent.map(rowOf), ...rest.map(suggestionRow)]);
    told.textContent = found.length ? list.dataset.told.replace("{number}", String(recent.length + rest.length)) : "";
  }

  function suggestionRow(one, at) {
    const row = made("recent-row", "row");
    const go = made("recent-go", "gridcell", `suggestion-${at}`);
    go.dataset.url = addressWith(one.query);
    const said = words(one.kind === "title" || one.kind === "tag" ? one.text : one.query);
    go.append(icon(one.kind === "tag" ? "tag" : one.kind === "in" ? "folder" : "search"), said);
    row.append(go);
    return row;
  }

  // As if it had been typed and sent: what narrows the search stays.
  function addressWith(query) {
    const fields = new FormData(box.form);
    fields.set("q", query);
    return `${box.form.action}?${new URLSearchParams(fields)}`;
  }

  function close() {
    told.textContent = "";
    list.hidden = true;
    box.setAttribute("aria-expanded", "false");
    move(null);
  }

  function rowOf(entry, at) {
    const row = made("recent-row", "row");
    const go = made("recent-go", "gridcell", `recent-${at}`);
    go.dataset.url = entry.url;
    go.append(entry.image ? thumbnail(entry.image) : icon("clock"), words(entry.label));
    const remove = made("recent-remove", "gridcell", `recent-${at}-remove`);
    remove.dataset.remove = entry.url;
    remove.setAttribute("aria-label", list.dataset.remove.replace("{label}", entry.label));
    remove.append(icon("close"));
    row.append(go, remove);
    return row;
  }

  function plainRow(what) {
    const row = made("recent-row plain", "row");
    const cell = made("recent-plain", "gridcell", `recent-${what}`);
    cell.dataset.what = what;
    cell.append(words(list.dataset[what]));
    row.append(cell);
    return row;
  }

  function take(cell) {
    if (cell.dataset.url) return location.assign(cell.dataset.url);
    if (cell.dataset.remove) {
      store(entries().filter((one) => one.url !== cell.dataset.remove));
      return box.value ? typed() : entries().length ? open() : close();
    }
    if (cell.dataset.what === "clear") {
      store([]);
      return close();
    }
    turn(cell.dataset.what === "on");
  }

  function pressed(event) {
    if (event.isComposing) return;
    if (list.hidden) {
      if (event.key === "ArrowDown" && !box.value) { event.preventDefault(); open(); move(first(list.firstElementChild)); }
      else if (event.key === "ArrowDown") { event.preventDefault(); typed(); }
      else if (event.key === "Escape") suggest.stop();
      return;
    }
    const rows = [...list.children];
    const at = active ? rows.indexOf(active.parentElement) : -1;
    const cells = active ? [...active.parentElement.children] : [];
    const onwards = document.documentElement.dir === "rtl" ? -1 : 1;
    const to = {
      ArrowDown: () => first(rows[(at + 1) % rows.length]),
      ArrowUp: () => first(rows[at <= 0 ? rows.length - 1 : at - 1]),
      ArrowRight: () => active && (cells[cells.indexOf(active) + onwards] ?? active),
      ArrowLeft: () => active && (cells[cells.indexOf(active) - onwards] ?? active),
    }[event.key];
    if (event.key === "Escape") close();
    else if (event.key === "Enter" && active) take(active);
    else if (event.key === "Delete" && active?.nextElementSibling?.dataset.remove) take(active.nextElementSibling);
    else if (to && (active || event.key === "ArrowDown" || event.key === "ArrowUp")) move(to());
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function move(cell) {
    active?.removeAttribute("aria-selected");
    active = cell ?? null;
    active?.setAttribute("aria-selected", "true");
    if (active) box.setAttribute("aria-activedescendant", active.id);
    else box.removeAttribute("aria-activedescendant");
  }
}

const first = (row) => row?.firstElementChild;

function made(name, role, id = "") {
  const one = document.createElement("div");
  one.className = name;
  one.setAttribute("role", role);
  if (id) one.id = id;
  return one;
}

function words(text) {
  const one = document.createElement("span");
  one.dir = "auto";
  one.textContent = text;
  return one;
}

function thumbnail(source) {
  const one = new Image(32, 32);
  one.alt = "";
  one.src = source;
  // A picture to search by is kept for some days only.
  one.addEventListener("error", () => one.replaceWith(icon("image")), { once: true });
  return one;
}

function icon(name) {
  return document.querySelector(`#recent-icons [data-icon="${name}"]`).content.firstElementChild.cloneNode(true);
}
