// Moving between cards: arrows, j and k; Shift with arrows draws the selection on, x selects, o opens.
// The single letters can be switched off: localStorage "single-keys" = "off".
const single = () => localStorage.getItem("single-keys") !== "off";

export function startMoving(selecting) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open], details.menu[open]")) return;
    if (event.target.closest?.("input, textarea, select, summary, [contenteditable]")) return;
    const card = document.activeElement?.closest("#cards .card[data-id]");
    const done = event.key.startsWith("Arrow") ? arrow(event, card) : single() && letter(event.key, card);
    if (done) event.preventDefault();
  });

  function arrow(event, card) {
    if (!card) return false;
    const next = neighbour(card, event.key);
    if (!next) return false;
    if (event.shiftKey) {
      if (selecting.anchor === null || !selecting.count) selecting.plant(card);
      selecting.range(next);
    }
    go(next);
    return true;
  }

  function letter(key, card) {
    const cards = selecting.cards();
    if (key === "j" || key === "k") {
      const next = card ? cards[cards.indexOf(card) + (key === "j" ? 1 : -1)] : cards.find(inView) ?? cards[0];
      if (next) go(next);
      return Boolean(next);
    }
    if (!card) return false;
    if (key === "x") selecting.toggle(card);
    else if (key === "o") card.querySelector("a").click();
    else return false;
    return true;
  }

  function neighbour(card, key) {
    const cards = selecting.cards();
    const backwards = getComputedStyle(selecting.list).direction === "rtl" ? "ArrowRight" : "ArrowLeft";
    if (key === "ArrowLeft" || key === "ArrowRight") return cards[cards.indexOf(card) + (key === backwards ? -1 : 1)];
    return inRow(cards, card, key === "ArrowUp" ? -1 : 1);
  }
}

// The card of the next row that lies nearest below or above.
function inRow(cards, card, way) {
  const box = card.getBoundingClientRect();
  const middle = (one) => one.left + one.width / 2;
  const boxes = cards.map((one) => ({ one, at: one.getBoundingClientRect() }));
  const beyond = boxes.filter(({ at }) => way > 0 ? at.top > box.top + box.height / 2 : at.top < box.top - 4);
  if (!beyond.length) return null;
  const edge = way > 0 ? Math.min(...beyond.map(({ at }) => at.top)) : Math.max(...beyond.map(({ at }) => at.top));
  const row = beyond.filter(({ at }) => Math.abs(at.top - edge) < 4);
  const far = ({ at }) => Math.abs(middle(at) - middle(box));
  return row.reduce((best, one) => far(one) < far(best) ? one : best).one;
}

function inView(card) {
  const box = card.getBoundingClientRect();
  return box.bottom > 80 && box.top < innerHeight;
}

function go(card) {
  const link = card.querySelector("a");
  link.focus({ focusVisible: true });
  link.scrollIntoView({ block: "nearest" });
}
