// What the buttons of an item's page do: show what is known, show the words over the picture, copy.
import { inText, singleKeysAreOn } from "./keys.js";

const INFO = "viewer-info";

export function say(sentence, { wrong = false, lasting = false } = {}) {
  const place = document.querySelector("#said");
  if (!place) return;
  place.textContent = sentence;
  place.classList.toggle("wrong", wrong);
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { place.textContent = ""; }, wrong || lasting ? 9000 : 4000);
}

export function startShowing() {
  const page = document.querySelector("[data-viewer]");
  if (!page) return;
  startInfo(page);
  startWords();
  startCopying();
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || inText(event.target) || !singleKeysAreOn()) return;
    if (event.key === "t") document.querySelector("#show-words")?.click();
    else if (event.key === "D" && event.shiftKey) document.querySelector("#download")?.click();
  });
}

function startInfo(page) {
  const button = document.querySelector("#toggle-info");
  button.hidden = false;
  const show = (on) => {
    page.classList.toggle("no-info", !on);
    button.setAttribute("aria-expanded", String(on));
  };
  show(localStorage.getItem(INFO) !== "off");
  button.addEventListener("click", () => {
    const on = page.classList.contains("no-info");
    show(on);
    localStorage.setItem(INFO, on ? "on" : "off");
    // On a telephone it lies below the picture.
    const facts = document.querySelector("#live");
    if (on && facts.getBoundingClientRect().top > innerHeight * 0.7) facts.scrollIntoView({ block: "start" });
  });
}

function startWords() {
  const button = document.querySelector("#show-words");
  if (!button) return;
  button.hidden = false;
  let layer = null;
  const load = async () => {
    const answer = await fetch(button.dataset.words, { headers: { "HX-Request": "true" } });
    if (!answer.ok) return null;
    const svg = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("svg");
    const place = document.querySelector("#stage .canvas");
    return svg && place ? place.appendChild(document.adoptNode(svg)) : null;
  };
  const show = (how) => {
    layer?.classList.toggle("hits-only", how === "hits");
    layer?.toggleAttribute("hidden", how === "off");
    button.setAttribute("aria-pressed", String(how === "all"));
  };
  button.addEventListener("click", async () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    layer = layer?.isConnected ? layer : await load();
    show(on ? "all" : "off");
  });
  // Words that were searched for are marked where they stand.
  if (new URLSearchParams(new URLSearchParams(location.search).get("in") ?? "").get("q")) {
    load().then((found) => {
      layer = found;
      show(found?.querySelector(".hit") ? "hits" : "off");
    });
  }
}

function startCopying() {
  const link = document.querySelector("#copy-link");
  link.hidden = false;
  link.addEventListener("click", () => copy(new URL(link.dataset.url, location.href).href, link.dataset));
  const unhide = () => { for (const one of document.querySelectorAll("[data-copies]")) one.hidden = false; };
  unhide();
  document.addEventListener("htmx:after:swap", unhide);
  document.addEventListener("item:saved", unhide);
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copies]");
    if (!button) return;
    const source = document.querySelector(button.dataset.copies);
    copy(source.value ?? source.textContent, { ...button.dataset, failed: link.dataset.failed });
  });
}

async function copy(text, words) {
  try {
    await navigator.clipboard.writeText(text);
    say(words.done);
  } catch {
    // Only secure pages may write to the clipboard.
    say(`${words.failed} ${text.slice(0, 300)}`);
  }
}
