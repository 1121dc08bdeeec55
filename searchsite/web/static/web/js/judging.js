// "This is it": on cards and in the viewer, by mouse and by y; n says that it is not. Saving a question. And what is
// opened from hits. Without this script the buttons are those of a plain form.
import { inText, singleKeysAreOn } from "./keys.js";

const SAID = "said-marks";
const MOST = 200;
const read = () => JSON.parse(sessionStorage.getItem(SAID) ?? "{}");

export function startJudging() {
  const form = document.querySelector("#marks");
  if (!form) return;
  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button?.dataset.judges || form.dataset.plain) return;
    event.preventDefault();
    send(form, button);
  });
  document.addEventListener("keydown", pressed);
  for (const kind of ["click", "auxclick"]) document.addEventListener(kind, (event) => tell(form, event));
  // Cards that were fetched before, and pages that were left and come back, tell what was so then.
  window.addEventListener("pageshow", () => recall(form));
  recall(form);
}

async function send(form, button) {
  if (button.ariaBusy === "true") return;
  button.ariaBusy = "true";
  const body = new FormData(form);
  body.append(button.name, button.value);
  const action = button.getAttribute("formaction") ?? form.action;
  const answer = await fetch(action, { method: "POST", body, headers: { "HX-Request": "true" } }).catch(() => null);
  button.ariaBusy = "false";
  if (answer?.status !== 204) {
    // The server then says what is wrong, on a page.
    form.dataset.plain = "yes";
    form.requestSubmit(button);
    return;
  }
  const on = button.name !== "undo";
  for (const one of document.querySelectorAll("[data-judges]")) {
    const other = one !== button && one.value === button.value && one.dataset.judges !== "keep";
    if (one === button) press(one, on);
    else if (other && on) press(one, false);
  }
  if (button.dataset.judges !== "keep") remember(form, button.value, on ? button.dataset.judges : "");
}

function press(button, on) {
  button.setAttribute("aria-pressed", String(on));
  button.name = on ? "undo" : button.dataset.judges;
}

const keyOf = (form, id) => [document.querySelector("[data-owner]")?.dataset.owner, form.elements.in.value, id].join(" ");

function remember(form, id, said) {
  const others = Object.entries(read()).filter(([key]) => key !== keyOf(form, id)).slice(1 - MOST);
  sessionStorage.setItem(SAID, JSON.stringify({ ...Object.fromEntries(others), [keyOf(form, id)]: said }));
}

function recall(form) {
  const said = read();
  for (const button of document.querySelectorAll("[data-judges]:not([data-judges=keep])")) {
    const known = said[keyOf(form, button.value)];
    if (known !== undefined) press(button, known === button.dataset.judges);
  }
}

function pressed(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  if (inText(event.target) || !singleKeysAreOn() || document.querySelector("dialog[open]")) return;
  const name = { y: "yes", n: "no" }[event.key];
  const place = event.target.closest?.("#cards [data-id]") ?? document.querySelector("[data-viewer]");
  place?.querySelector(`[data-judges="${name}"][form="marks"]`)?.click();
}

function tell(form, event) {
  const card = event.target.closest?.("#cards [data-id]");
  if (!form.dataset.opened || event.defaultPrevented || !card || !event.target.closest("a.frame, a.title")) return;
  if (event.type === "auxclick" && event.button !== 1) return;
  const body = new FormData(form);
  body.append("item", card.dataset.id);
  body.append("place", String([...document.querySelectorAll("#cards [data-id]")].indexOf(card) + 1));
  navigator.sendBeacon(form.dataset.opened, body);
}
