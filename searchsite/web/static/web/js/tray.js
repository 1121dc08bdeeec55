// The list of what is being added: in the tray of any page, or in full on the upload page.
import { onAdd } from "./files.js";
import { UNSENT, counted, draw, duration, fill, newRow, noteOf, totals, written } from "./rows.js";
import { showWaiting } from "./retrying.js";
import { answered, startSending } from "./sending.js";

const POLL = 1500;
const ASKED = 60;
const KEPT = "uploads";
const ALOUD_EVERY = 15_000;
const DRAWN_EVERY = 100;

export function startTray() {
  const tray = document.querySelector("[data-tray]");
  const template = document.querySelector("#sending-row");
  if (!tray || !template) return;
  const list = { tray, template, words: template.dataset, queue: tray.querySelector("#queue"), entries: [], dirty: new Set(), samples: [], heard: 0 };
  list.changed = (entry) => { list.dirty.add(entry); wake(list); };
  list.sending = startSending(list.words, list.changed);
  list.say = (name, text) => { const place = tray.querySelector(`[data-say=${name}]`); if (place.textContent !== text) place.textContent = text; };
  adopt(list);
  restore(list);
  onAdd((found) => take(list, found));
  tray.addEventListener("click", (event) => act(list, event));
  tray.addEventListener("submit", (event) => again(list, event));
  tray.addEventListener("keydown", (event) => { if (event.key === "Escape" && !tray.hasAttribute("data-full")) { event.stopPropagation(); fold(tray, true); } });
  window.addEventListener("online", () => list.sending.add(list.entries.filter((one) => one.state === "offline")));
  window.addEventListener("beforeunload", (event) => { if (list.entries.some((one) => UNSENT.has(one.state))) event.preventDefault(); });
  setInterval(() => poll(list), POLL);
}

// The collection that is chosen on the upload page, or the one the page is narrowed to.
function placeOf({ words }) {
  const select = document.querySelector("[data-upload] select[name=collection]");
  return select ? { id: select.value, name: select.selectedOptions[0]?.text ?? "" } : { id: words.place, name: words.placeName };
}

function take(list, { files, skipped }) {
  const place = placeOf(list);
  if (!files.length && !skipped.length) return;
  list.place = place.name;
  open(list.tray);
  const rows = document.createDocumentFragment();
  const added = files.map(({ file, path }) => {
    const entry = { file, path, size: file.size, sent: 0, place: place.id, state: "waiting", reason: "", known: false };
    entry.row = newRow(entry, list.template);
    entry.row.entry = entry;
    rows.append(entry.row);
    return entry;
  });
  list.queue.append(rows);
  list.entries.push(...added);
  leftOut(list, skipped);
  const most = Number(list.words.most);
  for (const entry of added) if (entry.size > most) { Object.assign(entry, { state: "refused", reason: list.words.large }); list.changed(entry); }
  Object.assign(list, { heard: 0, samples: [] });
  list.sending.add(added.filter((entry) => entry.state === "waiting"));
}

function leftOut(list, skipped) {
  if (!skipped.length) return;
  const place = list.tray.querySelector(".sending-skipped");
  place.hidden = false;
  place.querySelector("ul").append(...skipped.map((path) => Object.assign(document.createElement("li"), { textContent: path })));
  place.querySelector("summary").textContent = fill(list.words.skipped, { number: written(place.querySelectorAll("li").length) });
}

// Hundreds of files report more often than anybody can read.
function wake(list) {
  if (list.woken) return;
  list.woken = true;
  const flush = () => {
    list.woken = false;
    for (const entry of list.dirty) { draw(entry, list.words); entry.row.entry = entry; }
    list.dirty.clear();
    sum(list);
  };
  setTimeout(flush, document.hidden ? 1000 : DRAWN_EVERY);
}

function sum(list) {
  const { tray, words } = list;
  const count = counted(list.entries);
  const busy = count.unsent > 0;
  const text = totals(count, busy ? timeLeft(list, count) : "", words);
  list.say("totals", text);
  if (list.place) list.say("head", fill(busy ? words.adding : words.added, { place: list.place }));
  const bar = tray.querySelector(".sending-all");
  bar.hidden = !busy;
  bar.value = count.all ? (count.sent + (count.bytes ? count.gone / count.bytes : 0) * count.unsent) / count.all : 0;
  const buttons = { "retry-all": count.retry > 1, "cancel-all": busy, problems: count.problems > 0 && list.entries.length > count.problems, clear: !busy && count.sent + count.cancelled > 0, close: !busy };
  for (const [name, on] of Object.entries(buttons)) offer(tray, name, on);
  tray.querySelector(".sending-bar").hidden = !tray.querySelector(".sending-bar button:not([hidden])");
  if (!count.problems) only(tray, false);
  aloud(list, text, busy || count.working > 0);
  keep(list);
}

// A button that goes while it has the focus hands it to the list's own head.
function offer(tray, name, on) {
  const button = tray.querySelector(`[data-do=${name}]`);
  if (!button || button.hidden === !on) return;
  const focused = document.activeElement === button;
  button.hidden = !on;
  if (focused) { const head = tray.querySelector("h2"); head.tabIndex = -1; head.focus({ preventScroll: true }); }
}

// A screen reader hears of the start, of the end, and of what lies between every quarter of a minute.
function aloud(list, text, busy) {
  const now = Date.now();
  if (busy && now - list.heard < ALOUD_EVERY || !busy && !list.spoken) return;
  list.heard = now;
  list.spoken = busy;
  list.say("aloud", text);
}

function timeLeft(list, count) {
  const now = Date.now();
  const done = list.entries.reduce((all, one) => all + one.sent, 0);
  list.samples.push([now, done]);
  while (list.samples.length > 2 && now - list.samples[0][0] > 15_000) list.samples.shift();
  const [since, before] = list.samples[0];
  if (now - since < 3000 || done <= before) return "";
  return duration((count.bytes - count.gone) / ((done - before) / (now - since)) / 1000);
}

function act(list, event) {
  const name = event.target.closest("[data-do]")?.dataset.do;
  const entry = event.target.closest("li.entry")?.entry;
  switch (name) {
    case "retry": return list.sending.add([entry]);
    case "cancel": return list.sending.cancel(entry);
    case "retry-all": return retryAll(list);
    case "cancel-all": return list.entries.filter((one) => UNSENT.has(one.state)).forEach(list.sending.cancel);
    case "problems": return only(list.tray, !list.queue.hasAttribute("data-problems"));
    case "clear": return clear(list, (one) => ["ready", "cancelled", "processing"].includes(one.state));
    case "fold": return fold(list.tray, !list.tray.hasAttribute("data-folded"));
    case "close": return close(list);
  }
}

// What was not sent is sent again; what is here and could not be worked on is worked on again.
function retryAll(list) {
  list.sending.add(list.entries.filter((one) => one.state === "lost"));
  for (const { row, state } of list.entries) if (state === "failed") row.querySelector("[data-again]")?.requestSubmit();
}

function only(tray, on) {
  tray.querySelector("#queue").toggleAttribute("data-problems", on);
  tray.querySelector("[data-do=problems]").setAttribute("aria-pressed", String(on));
}

function fold(tray, on) {
  tray.toggleAttribute("data-folded", on);
  const button = tray.querySelector("[data-do=fold]");
  button.setAttribute("aria-expanded", String(!on));
  if (on && tray.querySelector(".sending-body").contains(document.activeElement)) button.focus();
}

function open(tray, on = true) {
  tray.hidden = !on;
  (tray.closest(".upload") ?? document.body).classList.toggle("listed", on);
}

function clear(list, over) {
  const [gone, left] = [list.entries.filter(over), list.entries.filter((one) => !over(one))];
  for (const { row } of gone) row.remove();
  list.entries = left;
  sum(list);
}

function close(list) {
  clear(list, () => true);
  list.tray.querySelector(".sending-skipped").hidden = true;
  list.tray.querySelector(".sending-skipped ul").replaceChildren();
  open(list.tray, false);
  document.querySelector("#main").focus({ preventScroll: true });
}

async function again(list, event) {
  const entry = event.target.closest("li.entry")?.entry;
  if (!event.target.matches("[data-again]") || !entry) return;
  event.preventDefault();
  if (event.target.ariaBusy === "true") return;
  const form = event.target;
  form.ariaBusy = "true";
  const asked = fetch(form.action, { method: "POST", body: new FormData(form), headers: { "HX-Request": "true" } }).catch(() => null);
  const answer = await showWaiting(entry.row, asked);
  form.ariaBusy = "false";
  if (answer?.ok) renew(list, entry, answered(await answer.text())[0]);
}

function renew(list, entry, row) {
  Object.assign(entry, { state: row.dataset.state, fresh: row });
  list.changed(entry);
}

// One request asks for those that are not finished, those in view first; nobody asks while nobody looks.
async function poll(list) {
  const unfinished = list.entries.filter((one) => one.state === "processing" && one.id);
  if (!unfinished.length || document.hidden || list.asking) return;
  list.asking = true;
  const inView = ({ row }) => { const { top, bottom } = row.getBoundingClientRect(); return bottom > 0 && top < innerHeight; };
  const seen = new Set(unfinished.filter(inView));
  const asked = [...seen, ...unfinished.filter((one) => !seen.has(one))].slice(0, ASKED);
  try {
    await refresh(list, asked);
  } finally {
    list.asking = false;
  }
}

async function refresh(list, asked) {
  const query = new URLSearchParams([...new Set(asked.map(({ id }) => id))].map((id) => ["id", id]));
  const answer = await fetch(`${list.words.progress}?${query}`, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok) return;
  const rows = new Map([...answered(await answer.text())].map((row) => [row.dataset.id, row]));
  for (const entry of asked) {
    const row = rows.get(entry.id);
    if (row) renew(list, entry, row.cloneNode(true));
    else Object.assign(entry, { state: "ready" });
  }
}

// Rows that the server has written already.
function adopt(list, rows = list.queue.querySelectorAll("li.entry[data-id]")) {
  for (const row of rows) {
    const entry = { id: row.dataset.id, row, known: "known" in row.dataset, note: noteOf(row), state: row.dataset.state, size: 0, sent: 0 };
    row.entry = entry;
    list.entries.push(entry);
  }
}

// What was put in on the page before is still worked on: the list goes on from page to page, in this tab.
async function restore(list) {
  const here = new Set(list.entries.map((one) => one.id));
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
  const ids = (kept.ids ?? []).filter((id) => !here.has(id));
  if (!ids.length) return list.entries.length && sum(list);
  const answer = await fetch(`${list.words.progress}?${new URLSearchParams(ids.map((id) => ["id", id]))}`, { headers: { "HX-Request": "true" } }).catch(() => null);
  const rows = answer?.ok ? [...answered(await answer.text())].map((row) => document.adoptNode(row)) : [];
  if (!rows.some((row) => row.dataset.state === "processing")) return list.entries.length ? sum(list) : sessionStorage.removeItem(KEPT);
  list.queue.prepend(...rows);
  adopt(list, rows);
  list.place ??= kept.place;
  open(list.tray);
  if (kept.folded) fold(list.tray, true);
  sum(list);
}

function keep(list) {
  const ids = list.entries.filter((one) => one.id).map((one) => one.id).slice(-100);
  const folded = list.tray.hasAttribute("data-folded");
  if (ids.length) sessionStorage.setItem(KEPT, JSON.stringify({ ids, place: list.place, folded }));
  else sessionStorage.removeItem(KEPT);
}
