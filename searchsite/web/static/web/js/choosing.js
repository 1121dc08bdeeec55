// The choice of a collection: typing narrows the list, Enter takes the first, a name makes a new one.
const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase();

export function choosing(place) {
  const form = place.querySelector("[data-move-form]");
  if (!form) return;
  const filter = form.querySelector("[data-filter]");
  const name = form.querySelector("[data-new-name]");
  const fresh = form.querySelector("[data-new]");
  name?.addEventListener("input", () => { fresh.checked = true; });
  fresh?.addEventListener("change", () => name.focus());
  form.addEventListener("submit", (event) => {
    if (!fresh?.checked || name.value.trim()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    name.focus();
  }, { capture: true });
  if (!filter) {
    form.querySelector("input[type=radio]")?.focus();
    return;
  }
  filter.autofocus = true;
  filter.addEventListener("input", () => narrow(form, filter.value, name));
  filter.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "ArrowDown") return;
    const first = [...form.querySelectorAll("[data-name]")].find((one) => !one.hidden);
    event.preventDefault();
    if (!first) {
      name?.focus();
      return;
    }
    first.querySelector("input").checked = true;
    if (event.key === "Enter") form.requestSubmit();
    else first.querySelector("input").focus();
  });
}

function narrow(form, text, name) {
  let found = false;
  for (const one of form.querySelectorAll("[data-name]")) {
    one.hidden = !folded(one.dataset.name).includes(folded(text.trim()));
    found ||= !one.hidden;
  }
  form.querySelector("[data-none]").hidden = found;
  if (!name) return;
  if (!found || name.dataset.suggested) {
    name.value = found ? "" : text.trim();
    name.dataset.suggested = found ? "" : "yes";
  }
  form.querySelector("[data-new]").checked = !found;
}
