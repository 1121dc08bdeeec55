// One dialog for what a piece of the page asks: opened with its content, closed by Escape, a click outside or its
// button; the focus goes back to where it was. Links with data-move open the choice of a collection in it.
import { choosing } from "./choosing.js";

let dialog = null;
let before = null;

export function openDialog(content) {
  dialog ??= made();
  before = document.activeElement;
  dialog.replaceChildren(content);
  dialog.setAttribute("aria-labelledby", "prompt-title");
  for (const one of dialog.querySelectorAll("[data-close]")) {
    one.addEventListener("click", (event) => { event.preventDefault(); dialog.close(); });
  }
  choosing(dialog);
  dialog.showModal();
  return dialog;
}

export function closeDialog() {
  dialog?.close();
}

// A piece of the page from the server: its element, or the sentence that says why not.
export async function fetched(address, options = {}) {
  const headers = { "HX-Request": "true", "HX-Current-URL": location.href, ...options.headers };
  const answer = await fetch(address, { ...options, headers });
  const elsewhere = answer.headers.get("HX-Redirect");
  if (elsewhere) {
    location.assign(elsewhere);
    return null;
  }
  const text = await answer.text();
  const plain = !answer.headers.get("Content-Type")?.includes("html");
  if (!answer.ok) throw new Error(plain ? text : "");
  return piece(text);
}

export function piece(text) {
  const shell = document.createElement("template");
  shell.innerHTML = text; // nosemgrep: markup-put-in - a page of ours, and nothing runs in a template
  return shell.content.firstElementChild;
}

export function startDialogs() {
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a[data-move]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    try {
      const form = await fetched(link.href);
      if (form) openDialog(form);
    } catch {
      location.assign(link.href);
    }
  });
}

function made() {
  const fresh = document.createElement("dialog");
  fresh.className = "prompt";
  document.body.append(fresh);
  fresh.addEventListener("click", (event) => {
    if (event.target !== fresh) return;
    const box = fresh.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) fresh.close();
  });
  fresh.addEventListener("close", () => {
    fresh.replaceChildren();
    if (before?.isConnected) before.focus();
  });
  return fresh;
}
