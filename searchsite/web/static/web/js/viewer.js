// The picture in its stage: zoom by wheel, keys, buttons, double click and pinch; drag to pan; swipe to step on.
// A derivative is shown first; the file itself is loaded when one looks closer than the derivative can show.
import { inText, singleKeysAreOn } from "./keys.js";

const STEP = 1.5;
const CLOSEST = 8;
const SWIPE = 60;
const TAP_MS = 300;
// Small pictures are shown a little larger than they are, icons in whole steps.
const SMALL = 160;
const ease = () => !matchMedia("(prefers-reduced-motion: reduce)").matches;

export function startViewer(step) {
  if (!document.querySelector("[data-viewer]")) return;
  let view = attach(step);
  // The picture comes later where it is still being prepared.
  for (const name of ["htmx:after:swap", "item:saved"]) {
    document.addEventListener(name, () => { if (!view?.isHere()) view = attach(step); });
  }
  document.addEventListener("keydown", (event) => {
    if (!view || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || inText(event.target)) return;
    if (!singleKeysAreOn() || document.querySelector("dialog[open]")) return;
    const does = { "+": view.closer, "=": view.closer, "-": view.farther, "−": view.farther, 0: view.fit }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  });
}

function attach(step) {
  const stage = document.querySelector("#stage[data-width]");
  if (!stage) return null;
  const canvas = stage.querySelector(".canvas");
  const picture = canvas.querySelector(".picture");
  const size = { width: Number(stage.dataset.width), height: Number(stage.dataset.height) };
  const shown = { scale: 1, x: 0, y: 0, fit: 1 };
  const room = () => stage.getBoundingClientRect();
  const most = () => Math.max(CLOSEST, CLOSEST * shown.fit, cover() * 2) / shown.fit;
  const side = Math.max(size.width, size.height);
  const largest = side < SMALL ? Math.max(1, Math.floor(SMALL / side)) : 2;
  const cover = () => Math.max(room().width / size.width, room().height / size.height);

  function lay() {
    const { width, height } = room();
    shown.fit = Math.min(largest, width / size.width, height / size.height);
    canvas.classList.add("placed");
    canvas.style.width = `${size.width * shown.fit}px`;
    canvas.style.height = `${size.height * shown.fit}px`;
    zoomTo(shown.scale);
  }

  // Keep the point under the hand where it is, and the picture within its stage.
  function zoomTo(scale, at = middle(), { smooth = false } = {}) {
    const { width, height } = room();
    const next = Math.min(most(), Math.max(1, scale));
    const ratio = next / shown.scale;
    const wide = size.width * shown.fit * next;
    const high = size.height * shown.fit * next;
    shown.x = clamp(at.x - (at.x - shown.x) * ratio, width, wide);
    shown.y = clamp(at.y - (at.y - shown.y) * ratio, height, high);
    shown.scale = next;
    paint(smooth && ease());
  }

  function paint(smooth) {
    canvas.style.transition = smooth ? "transform .16s ease-out" : "none";
    canvas.style.transform = `translate(${shown.x}px, ${shown.y}px) scale(${shown.scale})`;
    stage.classList.toggle("zoomed", shown.scale > 1.001);
    const real = shown.scale * shown.fit;
    stage.querySelector("#zoomed").textContent = `${Math.round(real * 100)} %`;
    picture.classList.toggle("sharp", real >= 4);
    stage.dataset.scale = shown.scale.toFixed(2);
    if (real * devicePixelRatio > derivative() * 1.05 && shown.scale > 1.001) sharpen();
  }

  // How much of the picture's own size the derivative has.
  const derivative = () => (picture.naturalWidth || size.width) / size.width;

  function sharpen() {
    const source = stage.dataset.original;
    if (!source || stage.dataset.sharpened) return;
    stage.dataset.sharpened = "coming";
    const whole = new Image();
    whole.addEventListener("load", () => { picture.src = source; stage.dataset.sharpened = "yes"; }, { once: true });
    // What a browser can't show stays as it was.
    whole.addEventListener("error", () => { stage.dataset.sharpened = "no"; }, { once: true });
    whole.src = source;
  }

  const middle = () => ({ x: room().width / 2, y: room().height / 2 });
  const place = (event) => ({ x: event.clientX - room().left, y: event.clientY - room().top });
  // A long screenshot becomes readable at once: its narrow side then fills the stage.
  const closeUp = () => Math.max(2.5, Math.min(most(), cover() / shown.fit));
  const toggle = (at) => zoomTo(shown.scale > 1.001 ? 1 : closeUp(), at, { smooth: true });

  listen({ stage, canvas, shown, place, zoomTo, toggle, paint, step, room });
  stage.querySelector(".zoom").hidden = false;
  const closer = () => zoomTo(shown.scale * STEP, middle(), { smooth: true });
  const farther = () => zoomTo(shown.scale / STEP, middle(), { smooth: true });
  const fit = () => zoomTo(1, middle(), { smooth: true });
  for (const [name, does] of Object.entries({ in: closer, out: farther, fit })) {
    stage.querySelector(`[data-zoom=${name}]`).addEventListener("click", does);
  }
  new ResizeObserver(lay).observe(stage);
  lay();
  return { closer, farther, fit, isHere: () => stage.isConnected };
}

function clamp(start, room, size) {
  return size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, start));
}

function listen({ stage, canvas, shown, place, zoomTo, toggle, paint, step }) {
  const hands = new Map();
  let begin = null;
  let tapped = 0;
  let spread = 0;

  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomTo(shown.scale * Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0022)), place(event));
  }, { passive: false });
  canvas.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    // Enter presses it without a place.
    if (event.detail === 0) toggle();
  });
  stage.addEventListener("dblclick", (event) => {
    if (!event.target.closest(".zoom, text")) toggle(place(event));
  });
  stage.addEventListener("pointerdown", (event) => {
    if (event.button || event.target.closest(".zoom")) return;
    // With the mouse one selects words; fingers move the picture.
    if (event.pointerType === "mouse" && event.target.closest("text")) return;
    hands.set(event.pointerId, place(event));
    begin = { at: place(event), x: shown.x, y: shown.y, time: event.timeStamp, moved: false, pinched: hands.size > 1 };
    spread = apart(hands);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!hands.has(event.pointerId)) return;
    hands.set(event.pointerId, place(event));
    if (hands.size === 2) {
      const now = apart(hands);
      if (spread) zoomTo(shown.scale * (now / spread), between(hands));
      spread = now;
      begin.pinched = true;
      return;
    }
    const way = { x: place(event).x - begin.at.x, y: place(event).y - begin.at.y };
    if (Math.hypot(way.x, way.y) < 5 || begin.pinched) return;
    if (!begin.moved) stage.setPointerCapture(event.pointerId);
    begin.moved = true;
    stage.classList.add("dragging");
    if (shown.scale > 1.001) {
      shown.x = begin.x + way.x;
      shown.y = begin.y + way.y;
      zoomTo(shown.scale);
    } else if (event.pointerType !== "mouse") {
      const resting = shown.x;
      shown.x = begin.x + way.x;
      paint(false);
      shown.x = resting;
    }
  });
  const end = (event) => {
    if (!hands.delete(event.pointerId)) return;
    stage.classList.remove("dragging");
    spread = apart(hands);
    if (hands.size) return;
    const way = { x: place(event).x - begin.at.x, y: place(event).y - begin.at.y };
    const touched = event.pointerType !== "mouse";
    if (shown.scale <= 1.001) paint(true);
    if (event.type === "pointercancel" || begin.pinched || !touched) return;
    if (begin.moved) {
      const swiped = Math.abs(way.x) > SWIPE && Math.abs(way.x) > 1.5 * Math.abs(way.y);
      if (swiped && shown.scale <= 1.001) step(way.x < 0 ? "right" : "left");
    } else if (event.timeStamp - tapped < TAP_MS) {
      tapped = 0;
      toggle(place(event));
    } else {
      tapped = event.timeStamp;
    }
  };
  stage.addEventListener("pointerup", end);
  stage.addEventListener("pointercancel", end);
  // Two fingers are ours from their first move: a browser that scrolls by them cancels the pinch, and takes the next
  // tap for the end of its fling.
  const ours = (event) => { if (event.touches.length > 1 && event.cancelable) event.preventDefault(); };
  for (const name of ["touchstart", "touchmove"]) stage.addEventListener(name, ours, { passive: false });
  // Two quick taps of a finger also come as a double click, which must not undo them.
  stage.addEventListener("dblclick", (event) => {
    if (event.sourceCapabilities?.firesTouchEvents || (event.pointerType && event.pointerType !== "mouse")) event.stopImmediatePropagation();
  }, { capture: true });
  stage.addEventListener("dragstart", (event) => event.preventDefault());
}

function apart(hands) {
  if (hands.size !== 2) return 0;
  const [one, other] = hands.values();
  return Math.hypot(one.x - other.x, one.y - other.y);
}

function between(hands) {
  const [one, other] = hands.values();
  return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 };
}
