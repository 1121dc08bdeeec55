// What is done with the selection: asked of the server, told in a message, undone from it.
import { closeDialog, fetched, openDialog, piece } from "./dialogs.js";

const KEY = "selection-outcome";
const ASK_BEYOND = 50;

export function startActs(selecting) {
  const { bar } = selecting;
  const toasts = document.querySelector("#toasts");
  const token = bar.querySelector("[name=csrfmiddlewaretoken]").value;
  let running = Promise.resolve();
  const dos = { move, tags, kind, zip, trash };
  told();

  bar.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (!button) return;
    const menu = button.closest("details");
    if (menu) menu.open = false;
    busy(() => selecting.count && dos[button.dataset.act](button));
  });
  toasts.addEventListener("click", (event) => {
    if (event.target.closest("[data-dismiss]")) toasts.replaceChildren();
  });
  toasts.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(async () => again(await fetched(event.target.action, { method: "POST", body: new FormData(event.target) })));
  });
  return { everything: () => busy(everything) };

  // One after the other: what is asked for while another thing is done waits for it.
  function busy(work) {
    bar.ariaBusy = "true";
    running = running.then(work).catch((error) => failed(error.message));
    const own = running;
    own.then(() => { if (running === own) bar.ariaBusy = "false"; });
    return own;
  }

  function ask(address, more = {}) {
    const body = selecting.written(new URLSearchParams(more));
    const asked = selecting.every ? `${address}${location.search}` : address;
    return fetched(asked, { method: "POST", body, headers: { "X-CSRFToken": token } });
  }

  async function json(address, more = {}) {
    const body = selecting.written(new URLSearchParams(more));
    const headers = { "HX-Request": "true", "X-CSRFToken": token };
    const asked = selecting.every ? `${address}${location.search}` : address;
    const answer = await fetch(asked, { method: "POST", body, headers });
    if (!answer.ok) throw new Error(answer.headers.get("Content-Type")?.includes("plain") ? await answer.text() : "");
    return answer.json();
  }

  async function everything() {
    const before = document.activeElement;
    selecting.every = { number: 0, until: "", without: new Set() };
    try {
      const { number, until, said } = await json(bar.dataset.countUrl);
      selecting.every = { number, until, without: new Set() };
      selecting.show();
      document.querySelector("#selection-said").textContent = said;
      // The button is gone with its question; whoever went on meanwhile keeps the focus.
      if ([before, document.body].includes(document.activeElement)) bar.querySelector("[data-clear]").focus();
    } catch (error) {
      selecting.every = null;
      throw error;
    }
  }

  async function move() {
    const form = await fetched(bar.dataset.moveUrl);
    if (!form) return;
    openDialog(form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const given = new FormData(form);
      sent(form);
      busy(async () => {
        const outcome = await ask(bar.dataset.moveUrl, { target: given.get("target") ?? "", name: given.get("name") ?? "" });
        const left = new URLSearchParams(location.search).has("collection");
        finish(outcome, left);
      });
    });
  }

  async function tags() {
    const form = await ask(bar.dataset.tagsUrl);
    if (!form) return;
    for (const box of form.querySelectorAll("[data-state=some]")) box.indeterminate = true;
    openDialog(form);
    form.querySelector("#tag-add").focus();
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      sent(form);
      busy(async () => {
        const body = new URLSearchParams({ add: form.querySelector("#tag-add").value });
        for (const box of form.querySelectorAll("[data-tag]")) {
          if (box.indeterminate || box.checked === (box.dataset.state === "all")) continue;
          body.append(box.checked ? "add" : "remove", box.value);
        }
        if (![...body].some(([, value]) => value.trim())) {
          closeDialog();
          return;
        }
        kept(await ask(form.action, body));
      });
    });
  }

  async function kind(button) {
    const outcome = await ask(bar.dataset.kindUrl, { as: button.dataset.as });
    if (outcome) again(outcome);
  }

  async function zip() {
    document.querySelector("#selection-said").textContent = bar.dataset.preparing;
    const { address } = await json(bar.dataset.zipUrl);
    location.assign(address);
    selecting.show();
  }

  async function trash() {
    if (!selecting.every && selecting.count <= ASK_BEYOND) {
      finish(await ask(bar.dataset.trashUrl), true);
      return;
    }
    const form = await ask(bar.dataset.discardingUrl);
    if (!form) return;
    openDialog(form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      sent(form);
      busy(async () => finish(await ask(bar.dataset.trashUrl), true));
    });
  }

  // Many items take some seconds: nobody is to ask twice.
  function sent(form) {
    form.ariaBusy = "true";
    for (const button of form.querySelectorAll(".actions button:not([data-close])")) button.disabled = true;
  }

  // What was tagged is still there, for the next thing to be done with it; all results of a tag are asked for anew.
  function kept(outcome) {
    if (!outcome) return;
    closeDialog();
    if (selecting.every && new URLSearchParams(location.search).has("tag")) again(outcome);
    else {
      show(outcome);
      document.dispatchEvent(new CustomEvent("counts:stale"));
    }
  }

  // The cards that went go from the list; after a change of all results the page is asked for anew.
  function finish(outcome, gone) {
    if (!outcome) return;
    closeDialog();
    if (selecting.every) {
      again(outcome);
      return;
    }
    show(outcome);
    document.dispatchEvent(new CustomEvent("counts:stale"));
    const left = new Set(outcome.dataset.left.split(" "));
    if (gone) {
      const focused = document.activeElement === document.body || bar.contains(document.activeElement);
      const went = [...selecting.chosen].filter((id) => !left.has(id));
      selecting.forget(went);
      recount();
      selecting.clear();
      if (focused) selecting.cards()[0]?.querySelector("a").focus({ preventScroll: true });
      if (!selecting.cards().length) again(outcome);
    } else selecting.clear();
  }

  async function recount() {
    const answer = await fetch(location.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = page.querySelector(".toolbar .count");
    const total = page.querySelector("#cards")?.dataset.total;
    if (now) document.querySelector(".toolbar .count")?.replaceWith(now);
    if (total) selecting.list.dataset.total = total;
    selecting.show();
  }

  function again(outcome) {
    if (!outcome) return;
    sessionStorage.setItem(KEY, outcome.outerHTML);
    selecting.clear();
    document.dispatchEvent(new CustomEvent("cards:stale"));
    location.reload();
  }

  function told() {
    const kept = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    if (kept) show(piece(kept));
  }

  function show(outcome) {
    toasts.replaceChildren(outcome);
  }

  function failed(message) {
    closeDialog();
    const toast = document.createElement("div");
    toast.className = "toast warning";
    const said = document.createElement("p");
    said.textContent = message || bar.dataset.failed;
    toast.append(said);
    show(toast);
  }
}
