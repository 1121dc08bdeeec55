// From item to item by arrows, and back to the place in the list that one came from.
import { inText, singleKeysAreOn } from "./keys.js";

const CAME = "came-from-list";
const SEEN = "seen-item";
const GONE = "gone-items";

export function startStepping() {
  const page = document.querySelector("[data-viewer]");
  if (!page) return;
  const back = document.querySelector("#back");
  remember(page, back);
  for (const link of document.querySelectorAll(".arrow, .filmstrip a")) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      go(link.href);
    });
  }
  back.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    leave(back.href);
  });
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || inText(event.target)) return;
    if (document.querySelector("dialog[open], details.menu[open]") || event.target.closest("[role=toolbar], details")) return;
    if (event.key === "Escape") leave(back.href);
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      if (scrolls(event.target)) return;
      event.preventDefault();
      step(event.key === "ArrowRight" ? "right" : "left");
    } else if (event.key === "i" && singleKeysAreOn()) {
      event.preventDefault();
      document.querySelector("#toggle-info").click();
    }
  });
  centre();
  preload();
  trash(page);
}

// Only the strip moves, not the page.
function centre() {
  const here = document.querySelector(".filmstrip [aria-current]")?.getBoundingClientRect();
  const strip = document.querySelector(".filmstrip ol");
  if (!here) return;
  const room = strip.getBoundingClientRect();
  strip.scrollBy({ left: here.left + here.width / 2 - room.left - room.width / 2, behavior: "instant" });
}

// "right" is the side of the screen: where one reads from the right, the next one lies left.
export function step(side) {
  const forward = (side === "right") === (document.documentElement.dir !== "rtl");
  const link = document.querySelector(forward ? "#next" : "#previous");
  if (link) go(link.href);
}

// Stepping leaves no trail: Back leads to the list, however far one went.
function go(url) {
  if (history.state?.[CAME]) sessionStorage.setItem(CAME, "yes");
  location.replace(url);
}

function remember(page, back) {
  const carried = sessionStorage.getItem(CAME);
  sessionStorage.removeItem(CAME);
  const from = document.referrer && new URL(document.referrer);
  const list = new URL(back.href);
  const fresh = performance.getEntriesByType("navigation")[0]?.type === "navigate";
  const came = carried || (fresh && from && from.origin === list.origin && from.pathname === list.pathname && history.length > 1);
  if (came) history.replaceState({ ...history.state, [CAME]: true }, "");
  sessionStorage.setItem(SEEN, page.dataset.id);
}

function leave(url) {
  if (history.state?.[CAME]) history.back();
  else location.assign(url);
}

// A page or a strip that has the focus and scrolls sideways keeps its arrows.
const scrolls = (target) => target !== document.body && target.closest("[tabindex='0']") !== null;

function preload() {
  const later = window.requestIdleCallback ?? ((work) => setTimeout(work, 200));
  later(() => {
    for (const link of document.querySelectorAll(".arrow[data-preview]")) {
      if (link.dataset.preview) new Image().src = link.dataset.preview;
    }
  });
}

function trash(page) {
  const form = document.querySelector("#trash-form");
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = new FormData(form);
    const answer = await fetch(form.action, { method: "POST", body, headers: { "HX-Request": "true" } }).catch(() => null);
    if (answer?.status !== 204) return form.submit();
    const gone = JSON.parse(sessionStorage.getItem(GONE) ?? "[]");
    sessionStorage.setItem(GONE, JSON.stringify([...gone, page.dataset.id]));
    go(answer.headers.get("Location"));
  });
  // Whoever has just thrown something away takes it back by Enter.
  const undo = document.querySelector(".messages [data-undo]");
  undo?.focus();
  undo?.form?.addEventListener("submit", () => sessionStorage.removeItem(GONE));
}

// On the list: the item that was looked at last has the focus again, and what was thrown away is gone.
export function startReturning() {
  window.addEventListener("pageshow", (event) => {
    const list = document.querySelector("#cards");
    if (!list) return;
    const kind = performance.getEntriesByType("navigation")[0]?.type;
    const gone = JSON.parse(sessionStorage.getItem(GONE) ?? "[]");
    for (const id of gone) list.querySelector(`[data-id="${CSS.escape(id)}"]`)?.remove();
    sessionStorage.removeItem(GONE);
    const id = sessionStorage.getItem(SEEN);
    sessionStorage.removeItem(SEEN);
    if (!id || !(event.persisted || kind === "back_forward" || document.referrer.includes(`/items/`))) return;
    const link = list.querySelector(`[data-id="${CSS.escape(id)}"] a`);
    if (!link || list.contains(document.activeElement) && document.activeElement === link) return;
    link.focus({ preventScroll: true });
    link.scrollIntoView({ block: "nearest" });
  });
}
