// The chips of a question are links. What follows one is a new page: there the focus goes to the chip in its place, or
// to the box where none is left. Delete and Backspace remove the chip that has the focus.
const NAME = "chip";

export function startChips() {
  const list = document.querySelector("#chips");
  returned(list);
  if (!list) return;
  const chips = () => [...list.querySelectorAll(".chip")];
  list.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-removes], a[data-turns]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const turns = link.matches("[data-turns]");
    keep({ at: chips().indexOf(link.closest(".chip")), turns, image: turns ? picture(link.closest(".chip")) : "" });
  });
  list.addEventListener("keydown", (event) => {
    const chip = ["Delete", "Backspace"].includes(event.key) && event.target.closest(".chip");
    if (!chip) return;
    event.preventDefault();
    chip.querySelector("[data-removes]").click();
  });
  list.addEventListener("submit", () => keep({ at: Infinity }));
  for (const menu of list.querySelectorAll("details.without")) {
    menu.addEventListener("toggle", () => { if (menu.open) menu.querySelector("input:not([type=hidden])").focus(); });
  }
}

const picture = (chip) => chip.querySelector("img")?.getAttribute("src") ?? "";

function keep(place) {
  sessionStorage.setItem(NAME, JSON.stringify({ ...place, at: Math.min(place.at, 99) }));
}

function returned(list) {
  const place = JSON.parse(sessionStorage.getItem(NAME) ?? "null");
  sessionStorage.removeItem(NAME);
  if (!place) return;
  const chips = [...list?.querySelectorAll(".chip") ?? []];
  // What was turned round stands elsewhere among the chips, with its picture.
  const turned = place.turns && place.image && chips.find((one) => picture(one) === place.image);
  const chip = turned || chips[Math.min(place.at, chips.length - 1)];
  const next = chip?.querySelector(place.turns ? "[data-turns]" : "[data-removes]") ?? document.querySelector("#q");
  next?.focus({ preventScroll: true });
}
