// A part of a picture to search by is framed in a dialog: draw it, move it, resize it at its corner or by keys.
import { openDialog } from "./dialogs.js";

const LEAST = 0.03;
const STEP = 0.02;
const ROOM = 360;
const within = (value, least, most) => Math.min(most, Math.max(least, value));

export function startParts() {
  const form = document.querySelector("#choose-part");
  if (!form) return;
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-part]");
    if (button) choose(form, button.dataset);
  });
  // Where a browser can't, the chip shows the whole picture.
  for (const one of document.querySelectorAll("img[data-region]")) {
    const [x, y, width, height] = read(one.dataset.region);
    one.style.objectViewBox = `inset(${y * 100}% ${(1 - x - width) * 100}% ${(1 - y - height) * 100}% ${x * 100}%)`;
  }
}

const read = (text) => text.split("-").map((one) => Number(one) / 1000);

function choose(form, { part, picture, region }) {
  const dialog = openDialog(form.content.firstElementChild.cloneNode(true));
  const place = dialog.querySelector(".part-picture");
  const frame = dialog.querySelector(".part-frame");
  const said = dialog.querySelector("output");
  const [x, y, width, height] = region ? read(region) : [0.25, 0.25, 0.5, 0.5];
  const at = { x, y, width, height };
  const image = dialog.querySelector("img");
  // In a small picture there would be no room for a finger.
  image.addEventListener("load", () => {
    const { naturalWidth: wide, naturalHeight: high } = image;
    if (Math.max(wide, high) < ROOM) image.style[wide > high ? "width" : "height"] = `min(${wide > high ? "100vw - 80px" : "56dvh"}, ${ROOM}px)`;
  }, { once: true });
  image.src = picture;
  const search = () => {
    const shares = [at.x, at.y, at.width, at.height].map((share) => Math.round(share * 1000));
    location.assign(part.replace("~REGION", `~${shares.join("-")}`));
  };
  const set = (next) => {
    at.width = within(next.width ?? at.width, LEAST, 1);
    at.height = within(next.height ?? at.height, LEAST, 1);
    at.x = within(next.x ?? at.x, 0, 1 - at.width);
    at.y = within(next.y ?? at.y, 0, 1 - at.height);
    for (const [name, share] of [["left", at.x], ["top", at.y], ["width", at.width], ["height", at.height]]) {
      frame.style[name] = `${share * 100}%`;
    }
    place.dataset.region = [at.x, at.y, at.width, at.height].map((share) => Math.round(share * 1000)).join("-");
    said.value = said.dataset.said.replace(/\{(\w+)\}/g, (_, name) => Math.round(at[name] * 100));
  };
  set({});
  drag(place, frame, at, set);
  frame.addEventListener("keydown", (event) => {
    if (event.key === "Enter") search();
    const [right, down] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key] ?? [];
    if (right === undefined) return;
    event.preventDefault();
    if (event.shiftKey) set({ width: at.width + right * STEP, height: at.height + down * STEP });
    else set({ x: at.x + right * STEP, y: at.y + down * STEP });
  });
  dialog.querySelector("[data-search]").addEventListener("click", search);
  frame.focus({ focusVisible: false });
}

function drag(place, frame, at, set) {
  let begin = null;
  const share = (event) => {
    const box = place.getBoundingClientRect();
    return { x: within((event.clientX - box.left) / box.width, 0, 1), y: within((event.clientY - box.top) / box.height, 0, 1) };
  };
  place.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const start = share(event);
    const resizes = event.target.closest(".part-corner");
    begin = { start, how: resizes ? "resize" : event.target === frame ? "move" : "draw", x: at.x, y: at.y };
    place.setPointerCapture(event.pointerId);
    event.preventDefault();
    frame.focus({ focusVisible: false });
  });
  place.addEventListener("pointermove", (event) => {
    if (!begin) return;
    const now = share(event);
    if (begin.how === "move") {
      set({ x: begin.x + now.x - begin.start.x, y: begin.y + now.y - begin.start.y });
      return;
    }
    const corner = begin.how === "resize" ? { x: begin.x, y: begin.y } : begin.start;
    // Drawn from any corner to the one across; only a frame that is drawn counts, not a click.
    const width = Math.abs(now.x - corner.x);
    const height = Math.abs(now.y - corner.y);
    if (width < LEAST || height < LEAST) return;
    set({ width, height, x: Math.min(now.x, corner.x), y: Math.min(now.y, corner.y) });
  });
  for (const name of ["pointerup", "pointercancel"]) place.addEventListener(name, () => { begin = null; });
}
