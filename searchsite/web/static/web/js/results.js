// More results: by scrolling and by a button, into the same list. Back and a reload find the same cards at the same
// place: what was fetched is kept for the tab, by the entry of its history.
import { written } from "./rows.js";

const SOON = "600px";
// Then the foot of the page can be reached, and the button asks.
const BY_SCROLLING = 12;
const MOST_KEPT = 2_000_000;
const key = (place) => `place:${place}`;
// Who signs in next in this tab must not see what was fetched for somebody else.
const owner = () => document.querySelector("[data-owner]")?.dataset.owner;
const read = (name) => JSON.parse(sessionStorage.getItem(name) ?? "null");

export function startResults() {
  document.addEventListener("submit", (event) => {
    const id = new URL(event.target.action, location).pathname.match(/^\/items\/([0-9a-f-]{36})\/trash$/)?.[1];
    if (id) keep("gone", [...(read("gone") ?? []), id].slice(-200));
  });
  const list = document.querySelector("#cards");
  if (!list) return;
  const grown = document.querySelector("#grown");
  const pages = [];
  // Cards that were moved or thrown away from here: the pages that were fetched hold them still.
  const without = new Set();
  let byScrolling = 0;
  let left = "";

  const watcher = new IntersectionObserver((seen) => {
    if (!seen.some((one) => one.isIntersecting) || byScrolling >= BY_SCROLLING) return;
    byScrolling += 1;
    load(document.querySelector("[data-more]"));
  }, { rootMargin: SOON });

  document.addEventListener("click", (event) => {
    const card = event.target.closest?.("#cards [data-id]");
    if (card) left = card.dataset.id;
    const link = event.target.closest?.("[data-more]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    byScrolling = 0;
    load(link);
  });
  document.addEventListener("cards:gone", (event) => { for (const id of event.detail) without.add(id); });
  document.addEventListener("cards:stale", () => { pages.length = 0; });
  history.scrollRestoration = "manual";
  window.addEventListener("pagehide", save);
  window.addEventListener("pageshow", (event) => { if (event.persisted) forget(); });
  restore();
  watch();

  function watch() {
    const more = document.querySelector("#more");
    if (more) watcher.observe(more);
  }

  async function load(link) {
    if (!link || link.ariaBusy === "true") return;
    link.ariaBusy = "true";
    try {
      const answer = await fetch(link.href, { headers: { "HX-Request": "true" } });
      if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
      const page = await answer.text();
      pages.push(page);
      take(page);
      const shown = list.querySelectorAll("[data-id]").length;
      grown.textContent = grown.dataset.words.replace("{shown}", written(shown)).replace("{total}", written(Number(list.dataset.total)));
    } catch {
      // The button stays, as a link to the next page.
      grown.textContent = grown.dataset.failed;
      byScrolling = BY_SCROLLING;
      link.ariaBusy = "false";
    }
  }

  function take(text) {
    const page = new DOMParser().parseFromString(text, "text/html");
    const focused = document.activeElement?.matches("[data-more]");
    const here = new Set([...list.querySelectorAll("[data-id]")].map((one) => one.dataset.id));
    const lines = new Set([...list.querySelectorAll("[data-line]")].map((one) => one.dataset.line));
    const fresh = [...page.querySelectorAll("li")].filter((one) => !here.has(one.dataset.id) && !without.has(one.dataset.id) && !lines.has(one.dataset.line));
    list.append(...fresh);
    document.querySelector("#more")?.remove();
    list.after(...page.querySelectorAll("#more"));
    if (focused) fresh.find((one) => one.dataset.id)?.querySelector("a").focus();
    watch();
  }

  function save() {
    const place = history.state?.place ?? crypto.getRandomValues(new Uint32Array(2)).join("-");
    history.replaceState({ ...history.state, place }, "");
    const top = [...list.querySelectorAll("[data-id]")].find((one) => one.getBoundingClientRect().bottom > 0);
    const at = top && { id: top.dataset.id, from: top.getBoundingClientRect().top };
    keep(key(place), { owner: owner(), pages, without: [...without], at: scrollY ? at : null, y: scrollY, left });
  }

  function restore() {
    const how = performance.getEntriesByType("navigation")[0]?.type;
    const kept = history.state?.place && ["back_forward", "reload"].includes(how) ? read(key(history.state.place)) : null;
    if (kept?.owner !== owner()) return;
    for (const id of [...kept.without ?? [], ...read("gone") ?? []]) without.add(id);
    for (const page of kept.pages) take(page);
    pages.push(...kept.pages);
    forget();
    const card = kept.at && list.querySelector(`[data-id="${kept.at.id}"]`);
    if (card) scrollBy(0, card.getBoundingClientRect().top - kept.at.from);
    else scrollTo(0, kept.y);
    left = kept.left;
    if (how === "back_forward" && left) list.querySelector(`[data-id="${left}"] a`)?.focus({ preventScroll: true });
  }

  // What was put in the trash meanwhile is not shown again.
  function forget() {
    for (const id of read("gone") ?? []) list.querySelector(`[data-id="${CSS.escape(id)}"]`)?.remove();
    sessionStorage.removeItem("gone");
  }
}

function keep(name, value) {
  const text = JSON.stringify(value);
  const others = () => Object.keys(sessionStorage).filter((one) => one.startsWith("place:") && one !== name);
  if (text.length > MOST_KEPT) return;
  try {
    sessionStorage.setItem(name, text);
  } catch {
    // Full: older places give way.
    for (const one of others()) sessionStorage.removeItem(one);
    try { sessionStorage.setItem(name, text); } catch { sessionStorage.removeItem(name); }
  }
}
