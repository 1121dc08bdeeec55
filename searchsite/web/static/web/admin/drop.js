// Files dropped on a page of the admin: one request a file, some at a time, each with its progress and its outcome.
const AT_ONCE = 3;
const zone = document.querySelector("[data-drop]");
const list = zone.querySelector(".sent");
const waiting = [];
let running = 0;
let depth = 0;

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

function start() {
  zone.querySelector("[data-choose]").addEventListener("change", (event) => {
    add([...event.target.files]);
    event.target.value = "";
  });
  document.addEventListener("dragenter", (event) => { if (carriesFiles(event)) { event.preventDefault(); depth += 1; show(); } });
  document.addEventListener("dragover", (event) => { if (carriesFiles(event)) event.preventDefault(); });
  document.addEventListener("dragleave", (event) => { if (carriesFiles(event)) { depth = Math.max(depth - 1, 0); show(); } });
  document.addEventListener("drop", async (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    show();
    // Entries must be taken before anything is waited for: the list is emptied when the event ends.
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const loose = [...event.dataTransfer.files];
    add(entries.some((entry) => entry.isDirectory) ? (await Promise.all(entries.map(within))).flat() : loose);
  });
  window.addEventListener("beforeunload", (event) => { if (running) event.preventDefault(); });
}

function show() { zone.classList.toggle("over", depth > 0); }

// All files of a folder, however deep.
async function within(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => { entry.file(resolve, reject); })];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
    if (!some.length) return (await Promise.all(found.map(within))).flat();
    found.push(...some);
  }
}

function add(files) {
  for (const file of files) {
    const row = document.createElement("li");
    const name = document.createElement("span");
    name.textContent = file.name;
    const bar = document.createElement("progress");
    bar.setAttribute("aria-label", file.name);
    row.append(name, bar);
    list.prepend(row);
    const most = Number(zone.dataset.most);
    if (most && file.size > most) end(row, "refused", zone.dataset.large);
    else waiting.push({ file, row });
  }
  next();
}

function next() {
  while (running < AT_ONCE && waiting.length) {
    running += 1;
    send(waiting.shift());
  }
  tally();
}

function send({ file, row }) {
  const data = new FormData();
  data.set("file", file, file.name);
  data.set("csrfmiddlewaretoken", document.querySelector("input[name=csrfmiddlewaretoken]").value);
  const place = document.querySelector("select[name=collection]");
  if (place) data.set("collection", place.value);
  const request = new XMLHttpRequest();
  const bar = row.querySelector("progress");
  request.open("POST", zone.dataset.to);
  request.setRequestHeader("Accept", "application/json");
  request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) bar.value = event.loaded / event.total; });
  request.upload.addEventListener("load", () => { bar.removeAttribute("value"); });
  request.addEventListener("loadend", () => {
    running -= 1;
    finish(row, request, file);
    next();
  });
  request.send(data);
}

function finish(row, request, file) {
  let answer = null;
  try { answer = JSON.parse(request.responseText); } catch { /* Not ours: a proxy's page, or nothing at all. */ }
  if (answer?.url) {
    const link = document.createElement("a");
    link.href = answer.url;
    link.textContent = file.name;
    row.firstElementChild.replaceChildren(link);
    return end(row, answer.created ? "done" : "known", answer.created ? zone.dataset.done : zone.dataset.known);
  }
  end(row, "refused", answer?.error ?? zone.dataset.lost);
  if (answer) return undefined;
  const again = document.createElement("button");
  again.type = "button";
  again.textContent = zone.dataset.again;
  again.addEventListener("click", () => { row.remove(); add([file]); });
  row.append(again);
  return undefined;
}

function end(row, state, words) {
  row.querySelector("progress").remove();
  row.className = state;
  const said = document.createElement("span");
  said.className = "said";
  said.textContent = words;
  row.append(said);
  tally();
}

// "2 being sent · 3 added · 1 refused".
function tally() {
  const count = { sending: list.querySelectorAll("progress").length };
  for (const state of ["done", "known", "refused"]) count[state] = list.querySelectorAll(`li.${state}`).length;
  const words = Object.entries(count).filter(([, n]) => n).map(([state, n]) => `${n} ${zone.dataset[state]}`);
  zone.querySelector(".tally").textContent = words.join(" · ");
}

start();
