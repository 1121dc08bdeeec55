// Writing a note: marks by buttons and keys, pictures by paste and drop, a draft in this browser, a guard at the door.
const SENT = "note-sent";
const KEEP_MS = 500;

export function startWriting() {
  const form = document.querySelector("[data-editor]");
  if (!form) return forgetSent();
  const area = form.querySelector("#note-text");
  const status = form.querySelector("#editor-status");
  startSides(form, area);
  startMarks(form, area, status.dataset);
  const pictures = startPictures(form, area, status);
  startDraft(form, area, status, pictures);
  if (!matchMedia("(hover: none)").matches && !form.querySelector("[role=alert]")) area.focus();
}

// Once the note is kept, its draft is not needed: the page after it says that it is.
function forgetSent() {
  const key = sessionStorage.getItem(SENT);
  if (key) localStorage.removeItem(key);
  sessionStorage.removeItem(SENT);
}

function startSides(form, area) {
  const buttons = form.querySelectorAll("[data-side]:is(button)");
  form.querySelector(".sides").hidden = false;
  for (const button of buttons) {
    button.addEventListener("click", () => {
      form.dataset.side = button.dataset.side;
      for (const one of buttons) one.setAttribute("aria-pressed", String(one === button));
      if (button.dataset.side === "look") window.htmx.trigger(area, "look");
    });
  }
}

// What is written so can be undone by the browser's own undo.
function put(area, text, start = area.selectionStart, end = area.selectionEnd) {
  area.focus();
  area.setSelectionRange(start, end);
  if (document.execCommand("insertText", false, text)) return;
  area.setRangeText(text, start, end, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

function startMarks(form, area, words) {
  const bar = form.querySelector(".tools");
  bar.hidden = false;
  const around = (mark, empty) => {
    const { selectionStart: start, selectionEnd: end, value } = area;
    const inner = value.slice(start, end);
    const size = mark.length;
    if (value.slice(start - size, start) === mark && value.slice(end, end + size) === mark && inner) {
      put(area, inner, start - size, end + size);
      return area.setSelectionRange(start - size, end - size);
    }
    put(area, `${mark}${inner || empty}${mark}`);
    area.setSelectionRange(start + size, start + size + (inner || empty).length);
  };
  const lines = (mark, empty) => {
    const { value } = area;
    const start = value.lastIndexOf("\n", area.selectionStart - 1) + 1;
    const next = value.indexOf("\n", area.selectionEnd);
    const end = next < 0 ? value.length : next;
    const before = value.slice(start, end).split("\n");
    const off = before.every((line) => line.startsWith(mark));
    const after = before.map((line) => (off ? line.slice(mark.length) : mark + (line || (before.length > 1 ? "" : empty)))).join("\n");
    put(area, after, start, end);
    area.setSelectionRange(start + (off || before.join("") ? 0 : mark.length), start + after.length);
  };
  const link = () => {
    const { selectionStart: start, selectionEnd: end, value } = area;
    const inner = value.slice(start, end) || words.link;
    put(area, `[${inner}](https://)`);
    area.setSelectionRange(start + inner.length + 3, start + inner.length + 11);
  };
  const does = {
    bold: () => around("**", words.bold),
    italic: () => around("*", words.italic),
    heading: () => lines("## ", words.heading),
    list: () => lines("- ", words.list),
    link,
    picture: () => form.querySelector("#editor-file").click(),
  };
  bar.addEventListener("click", (event) => does[event.target.closest("[data-mark]")?.dataset.mark]?.());
  // One stop of the Tab key; arrows move within, as in every toolbar.
  const tools = [...bar.querySelectorAll("[data-mark]")];
  tools.forEach((tool, at) => { tool.tabIndex = at ? -1 : 0; });
  bar.addEventListener("keydown", (event) => {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key] * (document.documentElement.dir === "rtl" ? -1 : 1);
    if (!way) return;
    event.preventDefault();
    const next = tools[(tools.indexOf(document.activeElement) + way + tools.length) % tools.length];
    for (const tool of tools) tool.tabIndex = tool === next ? 0 : -1;
    next.focus();
  });
  area.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    const name = { b: "bold", i: "italic", l: "link" }[event.key.toLowerCase()];
    if (event.key === "Enter" || event.key.toLowerCase() === "s") form.requestSubmit();
    else if (name) does[name]();
    else return;
    event.preventDefault();
  });
}

function startPictures(form, area, status) {
  const input = form.querySelector("#editor-file");
  const sending = new Set();
  let number = 0;

  // The words written meanwhile stay: only the placeholder is found and replaced.
  const swap = (placeholder, text) => {
    const at = area.value.indexOf(placeholder);
    if (at < 0) return;
    const { selectionStart: start, selectionEnd: end } = area;
    area.setRangeText(text, at, at + placeholder.length, "preserve");
    const shift = text.length - placeholder.length;
    if (start > at) area.setSelectionRange(start + shift, end + shift);
    area.dispatchEvent(new Event("input", { bubbles: true }));
  };

  async function add(file) {
    number += 1;
    const name = (file.name || "").replace(/\.\w+$/, "").replace(/[[\]()\n\\]/g, " ").trim() || status.dataset.uploading;
    const placeholder = `![${status.dataset.uploading} ${number}: ${name}…]()`;
    put(area, placeholder);
    sending.add(placeholder);
    status.textContent = status.dataset.sending;
    const said = await send(form, file);
    swap(placeholder, said.id ? `![${name}](/items/${said.id})` : "");
    sending.delete(placeholder);
    status.textContent = said.id ? "" : `${status.dataset.failed} ${said.reason ?? ""}`;
  }
  const take = (files) => { for (const file of files) add(file); };
  const pictures = (files) => [...(files ?? [])].filter((file) => file.type.startsWith("image/"));

  input.addEventListener("change", () => { take([...input.files]); input.value = ""; });
  area.addEventListener("paste", (event) => {
    const files = pictures(event.clipboardData?.files);
    if (!files.length || event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    take(files);
  });
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    form.classList.add("over");
  }, { capture: true });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) form.classList.remove("over"); }, { capture: true });
  document.addEventListener("drop", (event) => {
    form.classList.remove("over");
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    take(pictures(event.dataTransfer.files));
  }, { capture: true });
  return sending;
}

// The same door as any upload: the answer is the entry of the new item, or a sentence that says why not.
async function send(form, file) {
  const body = new FormData();
  body.set("csrfmiddlewaretoken", form.querySelector("[name=csrfmiddlewaretoken]").value);
  body.set("collection", form.querySelector("#into")?.value ?? form.dataset.collection);
  body.set("file", file, file.name || "image.png");
  try {
    const answer = await fetch(form.dataset.endpoint, { method: "POST", body, headers: { "HX-Request": "true" } });
    const text = await answer.text();
    const plain = answer.headers.get("Content-Type")?.startsWith("text/plain");
    if (!answer.ok) return { reason: plain ? text : "" };
    const entry = new DOMParser().parseFromString(text, "text/html").querySelector(".entry[data-id]");
    return { id: entry?.dataset.id };
  } catch {
    return {};
  }
}

function startDraft(form, area, status, sending) {
  const title = form.querySelector("#note-title");
  const base = form.querySelector("[name=base]");
  const key = `draft:${form.dataset.user}:${location.pathname}`;
  const first = JSON.stringify([title.value, area.value]);
  const now = () => JSON.stringify([title.value, area.value]);
  const refused = form.querySelector("[role=alert]") !== null;
  let leaving = false;
  let timer = 0;

  sessionStorage.removeItem(SENT);
  const offer = form.querySelector("#draft");
  const kept = read(key);
  if (kept && !refused && JSON.stringify([kept.title, kept.text]) !== first) offer.hidden = false;
  form.querySelector("#draft-take").addEventListener("click", () => {
    title.value = kept.title;
    area.value = kept.text;
    // They were written over that version: whether it is still so is asked when they are saved.
    if (kept.base) base.value = kept.base;
    offer.hidden = true;
    area.dispatchEvent(new Event("input", { bubbles: true }));
    area.focus();
  });
  form.querySelector("#draft-drop").addEventListener("click", () => {
    localStorage.removeItem(key);
    offer.hidden = true;
    area.focus();
  });
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (now() === first) return;
      localStorage.setItem(key, JSON.stringify({ title: title.value, text: area.value, base: base.value }));
      if (!sending.size) status.textContent = status.dataset.kept;
    }, KEEP_MS);
  });
  form.addEventListener("submit", (event) => {
    // A placeholder must not be kept as the note's words.
    if (sending.size) return event.preventDefault();
    clearTimeout(timer);
    localStorage.setItem(key, JSON.stringify({ title: title.value, text: area.value, base: base.value }));
    sessionStorage.setItem(SENT, key);
    leaving = true;
  });
  form.querySelector("#leave").addEventListener("click", () => { if (now() === first) localStorage.removeItem(key); });
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && (refused || now() !== first)) event.preventDefault();
  });
}

function read(key) {
  try {
    const found = JSON.parse(localStorage.getItem(key) ?? "null");
    return typeof found?.text === "string" ? found : null;
  } catch {
    return null;
  }
}
