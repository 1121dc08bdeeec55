// Upload: one request a file, three at a time, each with its own progress and its own reason when refused.
import { onFiles } from "./files.js";

const AT_ONCE = 3;

export function startUpload() {
  const form = document.querySelector("[data-upload]");
  const input = form.querySelector("input[type=file]");
  const list = document.querySelector("#queue");
  const waiting = [];
  let running = 0;

  const add = (files) => {
    for (const file of files) {
      const row = newRow(list, file);
      if (file.size > Number(form.dataset.most)) refuse(row, document.querySelector("#row-template").dataset.large);
      else waiting.push({ file, row });
    }
    next();
  };
  const next = () => {
    while (running < AT_ONCE && waiting.length) {
      running += 1;
      send(form, waiting.shift(), () => { running -= 1; next(); });
    }
  };
  input.addEventListener("change", () => { add([...input.files]); input.value = ""; });
  form.addEventListener("submit", (event) => { event.preventDefault(); input.click(); });
  onFiles(add);
  new MutationObserver(() => tally(list)).observe(list, { childList: true, subtree: true });
  tally(list);
  window.addEventListener("beforeunload", (event) => { if (running) event.preventDefault(); });
  // The one polling request asks only for cards that are not finished, and only while somebody looks.
  document.addEventListener("htmx:config:request", (event) => {
    const source = event.detail.ctx?.sourceElement ?? event.target;
    if (source.id === "watch" && (document.hidden || !list.querySelector("input[name=id]"))) event.preventDefault();
  });
}

// "3 being sent · 12 being worked on · 40 ready", from what the list shows.
function tally(list) {
  const all = list.children.length;
  const sending = list.querySelectorAll("progress").length;
  const working = list.querySelectorAll("input[name=id]").length;
  const refused = list.querySelectorAll(".refused").length;
  const counts = { sending, working, ready: all - sending - working - refused, refused };
  const words = Object.entries(counts).filter(([, count]) => count).map(([name, count]) => `${count} ${list.dataset[name]}`);
  const place = document.querySelector("#queue-status");
  if (place.textContent !== words.join(" · ")) place.textContent = words.join(" · ");
}

function newRow(list, file) {
  const row = document.querySelector("#row-template").content.firstElementChild.cloneNode(true);
  row.querySelector(".entry-name").textContent = file.name;
  row.querySelector("progress").setAttribute("aria-label", file.name);
  if (file.type.startsWith("image/") && file.size < 20e6) {
    const picture = document.createElement("img");
    picture.alt = "";
    picture.src = URL.createObjectURL(file);
    picture.addEventListener("load", () => URL.revokeObjectURL(picture.src), { once: true });
    picture.addEventListener("error", () => picture.remove(), { once: true });
    row.querySelector(".entry-thumb").append(picture);
  }
  list.prepend(row);
  document.querySelector("#queue-section").hidden = false;
  return row;
}

function refuse(row, sentence) {
  row.classList.add("refused");
  row.querySelector(".entry-note").textContent = sentence;
  row.querySelector("progress").remove();
}

function send(form, { file, row }, done) {
  const data = new FormData(form);
  data.set("file", file, file.name);
  const request = new XMLHttpRequest();
  const bar = row.querySelector("progress");
  request.open("POST", form.action);
  request.setRequestHeader("HX-Request", "true");
  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) bar.value = event.loaded / event.total;
  });
  request.upload.addEventListener("load", () => { bar.removeAttribute("value"); });
  request.addEventListener("loadend", () => {
    finish(form, { file, row, done }, request);
    done();
  });
  request.send(data);
}

function finish(form, entry, request) {
  const { row } = entry;
  if (request.status === 200 || request.status === 201) {
    const answer = new DOMParser().parseFromString(request.responseText, "text/html").querySelector(".entry");
    if (answer) {
      // The same file twice is the same card once.
      if (answer.id) document.getElementById(answer.id)?.remove();
      const shown = document.adoptNode(answer);
      row.replaceWith(shown);
      return window.htmx.process(shown);
    }
  }
  const words = document.querySelector("#row-template").dataset;
  const said = request.responseText.length < 500 && request.getResponseHeader("Content-Type")?.startsWith("text/plain");
  refuse(row, said ? request.responseText : words.lost);
  const again = row.querySelector(".retry");
  again.hidden = said && request.status < 500;
  again.addEventListener("click", () => {
    const fresh = newRow(row.parentElement, entry.file);
    row.remove();
    send(form, { ...entry, row: fresh }, () => {});
  }, { once: true });
}
