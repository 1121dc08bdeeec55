// Files dropped on a page of the admin: sent as from any other page, each with its progress and its outcome.
import { chosen, filesOf } from "../js/folders.js";
import { UNSENT, fill, written } from "../js/rows.js";
import { startSending } from "../js/sending.js";

const zone = document.querySelector("[data-drop]");
const list = zone.querySelector(".sent");
const words = { ...zone.dataset, token: document.querySelector("input[name=csrfmiddlewaretoken]").value };
const sending = startSending(words, draw);
const entries = [];
const skipped = [];
const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
let depth = 0;

function start() {
  zone.querySelector("[data-choose]").addEventListener("change", (event) => {
    add(chosen(event.target.files));
    event.target.value = "";
  });
  document.addEventListener("dragenter", (event) => { if (carriesFiles(event)) { event.preventDefault(); over(depth + 1); } });
  document.addEventListener("dragover", (event) => { if (carriesFiles(event)) event.preventDefault(); });
  document.addEventListener("dragleave", (event) => { if (carriesFiles(event)) over(Math.max(depth - 1, 0)); });
  document.addEventListener("drop", async (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    over(0);
    add(await filesOf(event.dataTransfer));
  });
  window.addEventListener("online", () => sending.add(entries.filter((one) => one.state === "offline")));
  window.addEventListener("beforeunload", (event) => { if (entries.some((one) => UNSENT.has(one.state))) event.preventDefault(); });
}

function over(times) {
  depth = times;
  zone.classList.toggle("over", depth > 0);
}

function add(found) {
  const place = document.querySelector("select[name=collection]")?.value ?? "";
  const added = found.files.map(({ file, path }) => {
    const row = document.createElement("li");
    list.prepend(row);
    return { file, path, place, row, size: file.size, sent: 0, state: "waiting", reason: "", known: false };
  });
  entries.push(...added);
  skipped.push(...found.skipped);
  sending.add(added);
  tally();
}

function draw(entry) {
  const { row, state, path } = entry;
  const name = made(entry.id ? "a" : "span", path);
  row.className = outcome(entry);
  if (UNSENT.has(state)) {
    const bar = row.querySelector("progress") ?? document.createElement("progress");
    bar.setAttribute("aria-label", path);
    if (state === "checking") bar.removeAttribute("value");
    else bar.value = entry.size ? entry.sent / entry.size : 0;
    if (!bar.isConnected) row.replaceChildren(name, bar);
    return tally();
  }
  const said = made("span", entry.reason || words[row.className]);
  said.className = "said";
  row.replaceChildren(name, said);
  if (entry.id) name.href = `${words.items}${entry.id}/`;
  if (state === "lost") row.append(retry(entry));
  return tally();
}

function made(tag, text) {
  return Object.assign(document.createElement(tag), { textContent: text });
}

function retry(entry) {
  const again = Object.assign(made("button", words.again), { type: "button" });
  again.addEventListener("click", () => sending.add([entry]));
  return again;
}

function outcome({ id, known, state }) {
  if (UNSENT.has(state)) return "sending";
  return id ? known ? "known" : "done" : "refused";
}

// "2 being sent · 3 added · 1 refused".
function tally() {
  const count = { sending: 0, done: 0, known: 0, refused: 0 };
  for (const entry of entries) count[outcome(entry)] += 1;
  const parts = Object.entries(count).filter(([, number]) => number).map(([name, number]) => `${written(number)} ${words[name]}`);
  if (skipped.length) parts.push(fill(words.skipped, { number: written(skipped.length) }));
  zone.querySelector(".tally").textContent = parts.join(" · ");
}

start();
