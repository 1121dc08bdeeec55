// Selecting cards: by their circles, Shift for a range, Ctrl or Cmd, x, Shift with arrows, a long press, Ctrl-A.
import { startActs } from "./acts.js";
import { startMoving } from "./moving.js";

const KEY = "selection";
const LONG_PRESS = 450;
const STRAYED = 10;

export function startSelecting() {
  const bar = document.querySelector("#selection");
  const list = document.querySelector("#cards");
  if (bar && list) new Selecting(bar, list).start();
}

class Selecting {
  constructor(bar, list) {
    this.bar = bar;
    this.list = list;
    this.words = bar.dataset;
    this.chosen = new Set();
    this.every = null;
    this.anchor = null;
    this.base = new Set();
    this.suppressed = false;
  }

  start() {
    this.restore();
    for (const card of this.all()) this.dress(card);
    new MutationObserver(() => {
      for (const card of this.all()) this.dress(card);
      this.show();
    }).observe(this.list, { childList: true });
    this.list.addEventListener("click", (event) => this.clicked(event), { capture: true });
    this.list.addEventListener("mousedown", (event) => {
      if (event.shiftKey && event.target.closest(".card")) event.preventDefault();
    });
    this.press();
    this.bar.querySelector("[data-clear]").addEventListener("click", () => this.clear());
    this.bar.querySelector("[data-every]").addEventListener("click", () => this.acts.everything());
    // Before menus close on Escape: it clears only when it closes nothing else.
    document.addEventListener("keydown", (event) => this.pressed(event), { capture: true });
    startMoving(this);
    this.acts = startActs(this);
    this.show();
  }

  // Those that are shown: less likely ones may be folded away.
  cards() {
    return this.all().filter((card) => card.checkVisibility());
  }

  all() {
    return [...this.list.querySelectorAll(".card[data-id]")];
  }

  has(id) {
    return this.every ? !this.every.without.has(id) : this.chosen.has(id);
  }

  get count() {
    return this.every ? Math.max(0, this.every.number - this.every.without.size) : this.chosen.size;
  }

  set(id, on) {
    if (this.every) {
      if (on) this.every.without.delete(id);
      else this.every.without.add(id);
    } else if (on) this.chosen.add(id);
    else this.chosen.delete(id);
  }

  // What a request says of the selection.
  written(body) {
    if (!this.every) {
      body.set("id", [...this.chosen].join(" "));
      return body;
    }
    body.set("all", "1");
    body.set("until", this.every.until);
    body.set("except", [...this.every.without].join(" "));
    return body;
  }

  toggle(card) {
    this.set(card.dataset.id, !this.has(card.dataset.id));
    this.plant(card);
    this.show();
  }

  // From here a range is drawn; what was selected before stays.
  plant(card) {
    this.anchor = card.dataset.id;
    this.base = new Set(this.chosen);
  }

  range(card) {
    const cards = this.cards();
    const from = cards.findIndex((one) => one.dataset.id === this.anchor);
    const to = cards.indexOf(card);
    const [first, last] = from < 0 ? [to, to] : [Math.min(from, to), Math.max(from, to)];
    if (!this.every) this.chosen = new Set(this.base);
    for (const one of cards.slice(first, last + 1)) this.set(one.dataset.id, true);
    if (from < 0) this.plant(card);
    this.show();
  }

  selectLoaded() {
    for (const card of this.cards()) this.set(card.dataset.id, true);
    this.show();
  }

  clear() {
    const inside = this.bar.contains(document.activeElement);
    this.chosen.clear();
    this.every = null;
    this.anchor = null;
    this.base.clear();
    this.show();
    if (inside) this.cards()[0]?.querySelector("a").focus();
  }

  forget(ids) {
    document.dispatchEvent(new CustomEvent("cards:gone", { detail: ids }));
    for (const id of ids) {
      this.chosen.delete(id);
      this.list.querySelector(`.card[data-id="${CSS.escape(id)}"]`)?.remove();
    }
  }

  dress(card) {
    if (card.querySelector(":scope > .pick")) return;
    const pick = document.querySelector("#pick").content.firstElementChild.cloneNode(true);
    pick.setAttribute("aria-label", this.words.pick.replace("%s", card.dataset.title));
    const link = card.querySelector("a");
    if (link) link.after(pick);
    else card.append(pick);
    card.draggable = false;
  }

  show() {
    const count = this.count;
    const cards = this.cards();
    for (const card of this.all()) {
      const on = this.has(card.dataset.id);
      card.classList.toggle("selected", on);
      card.querySelector(":scope > .pick")?.setAttribute("aria-checked", String(on));
    }
    this.bar.hidden = count === 0;
    document.documentElement.classList.toggle("selecting", count > 0);
    const said = this.words.count.replace("%s", count.toLocaleString(document.documentElement.lang || undefined));
    this.bar.querySelector(".selection-count").textContent = said;
    document.querySelector("#selection-said").textContent = count ? said : "";
    this.offer(cards, count);
    if (!count) {
      this.every = null;
      this.chosen.clear();
    }
    this.store();
  }

  offer(cards, count) {
    const total = Number(this.list.dataset.total);
    const button = this.bar.querySelector("[data-every]");
    const whole = count > 0 && !this.every && total > cards.length && cards.every((card) => this.chosen.has(card.dataset.id));
    button.hidden = !whole;
    button.textContent = this.words.offer.replace("%s", total.toLocaleString(document.documentElement.lang || undefined));
  }

  clicked(event) {
    const card = event.target.closest(".card[data-id]");
    if (!card) return;
    const link = event.target.closest("a");
    const pick = event.target.closest(".pick");
    if (!pick && (!link || link.classList.contains("similar"))) return;
    if (this.suppressed) this.suppressed = false;
    else if (event.shiftKey) {
      this.range(card);
      // Shift with an arrow goes on from here.
      (pick ?? link).focus({ preventScroll: true });
    }
    // Enter on a link opens it, whatever is selected.
    else if (pick || event.ctrlKey || event.metaKey || this.count > 0 && event.detail > 0) this.toggle(card);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  press() {
    let timer = 0;
    let start = null;
    const stop = () => clearTimeout(timer);
    this.list.addEventListener("pointerdown", (event) => {
      const card = event.target.closest(".card[data-id]");
      stop();
      this.suppressed = false;
      if (event.pointerType !== "touch" || !card) return;
      start = event;
      timer = setTimeout(() => {
        // The click that ends the press is none.
        this.suppressed = true;
        navigator.vibrate?.(10);
        this.toggle(card);
      }, LONG_PRESS);
    });
    this.list.addEventListener("pointermove", (event) => {
      if (start && Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) > STRAYED) stop();
    });
    for (const end of ["pointerup", "pointercancel"]) this.list.addEventListener(end, stop);
    this.list.addEventListener("contextmenu", (event) => {
      if (this.suppressed && event.target.closest(".card")) event.preventDefault();
    });
  }

  pressed(event) {
    if (event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
    if (event.key === "Escape" && this.count && !document.querySelector("details.menu[open], details.really[open]")) this.clear();
    else if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "a") {
      event.preventDefault();
      this.selectLoaded();
    }
  }

  // It holds while the same search is left for an item and come back to; a new search, or another person, begins anew.
  address() {
    const asked = new URLSearchParams(location.search);
    asked.delete("cursor");
    return `${document.querySelector("[data-owner]")?.dataset.owner} ${location.pathname}?${asked}`;
  }

  store() {
    const every = this.every && { ...this.every, without: [...this.every.without] };
    if (!this.count) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, JSON.stringify({ address: this.address(), chosen: [...this.chosen], every }));
  }

  restore() {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
    if (kept?.address !== this.address()) return;
    this.chosen = new Set(kept.chosen);
    this.every = kept.every && { ...kept.every, without: new Set(kept.every.without) };
  }
}
