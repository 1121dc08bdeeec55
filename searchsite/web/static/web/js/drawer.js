// What narrows the search: a drawer beside the results, or a sheet from below on a small screen. The counts are
// fetched when they are looked at, so that no search waits for them.
const SMALL = matchMedia("(max-width: 760px)");
const YEAR = 31_536_000;

export function startDrawer() {
  const button = document.querySelector("[data-filters]");
  const drawer = document.querySelector("#drawer");
  const sheet = document.querySelector("#filter-sheet");
  if (!button || !drawer) return;
  const body = drawer.querySelector("[data-drawer-body]");
  const found = document.querySelector("[data-found]");
  const kept = `facets:${document.querySelector("[data-owner]")?.dataset.owner}`;
  let asked = false;
  let typing = false;

  button.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (SMALL.matches) return openSheet();
    const open = drawer.hidden;
    drawer.hidden = !open;
    found.classList.toggle("with-drawer", open);
    button.ariaExpanded = String(open);
    document.cookie = `drawer=${open ? "open" : "closed"}; path=/; max-age=${YEAR}; samesite=lax`;
    if (open) fill();
  });
  button.addEventListener("keydown", (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    button.click();
  });
  sheet.addEventListener("close", () => {
    drawer.append(body);
    button.focus();
  });
  sheet.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); });
  SMALL.addEventListener("change", () => {
    if (sheet.open) sheet.close();
    ready();
  });
  body.addEventListener("change", (event) => {
    // Words wait for Enter or the button; a day that is written over several keys, for the last of them.
    const whole = event.target.matches("[type=checkbox], [type=radio], select") || isDay(event.target) && !typing;
    if (!SMALL.matches && whole) go(event.target.form, event.target);
  });
  body.addEventListener("keydown", (event) => { typing = isDay(event.target); });
  body.addEventListener("pointerdown", () => { typing = false; });
  body.addEventListener("focusout", ({ target, relatedTarget: next }) => {
    if (SMALL.matches || !isDay(target) || target.validity.badInput || target.value === target.defaultValue) return;
    if (!next?.matches("a, button")) go(target.form, body.contains(next) ? next : target);
  });
  body.addEventListener("click", (event) => {
    const span = event.target.closest("[data-after]");
    if (!span || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const chosen = span.getAttribute("aria-current") === "true";
    const form = span.closest("form");
    form.elements.after.value = chosen ? "" : span.dataset.after;
    form.elements.before.value = chosen ? "" : span.dataset.before;
    go(form, span);
  });
  body.addEventListener("submit", (event) => {
    event.preventDefault();
    go(event.target, event.submitter);
  });
  // After what was done here, the counts are asked for again: at once where they are looked at.
  document.addEventListener("counts:stale", () => {
    asked = false;
    if (!SMALL.matches && !drawer.hidden) fill();
  });
  ready();

  function ready() {
    if (SMALL.matches) button.ariaExpanded = "false";
    else {
      button.ariaExpanded = String(!drawer.hidden);
      if (!drawer.hidden) fill();
    }
  }

  function openSheet() {
    sheet.querySelector("[data-sheet]").append(body);
    sheet.showModal();
    fill();
  }

  async function fill() {
    if (asked) return;
    asked = true;
    const old = sessionStorage.getItem(kept);
    if (old && !SMALL.matches) show(old, true);
    try {
      const answer = await fetch(drawer.dataset.src, { headers: { "HX-Request": "true" } });
      if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
      const fresh = await answer.text();
      show(fresh, false);
      sessionStorage.setItem(kept, fresh);
    } catch {
      // Without counts, the page of filters is one click away.
      asked = false;
      body.replaceChildren();
    }
  }

  // The counts of the page before stand until the new ones are there: a drawer that empties itself would flicker.
  function show(text, old) {
    const open = new Set([...body.querySelectorAll("details[open] > summary")].map((one) => one.textContent));
    body.innerHTML = text; // nosemgrep: markup-put-in - a piece of a page of ours
    body.inert = old;
    body.ariaBusy = String(old);
    for (const one of body.querySelectorAll("details > summary")) if (open.has(one.textContent)) one.parentElement.open = true;
    if (old) return;
    const place = JSON.parse(sessionStorage.getItem("facet") ?? "null");
    sessionStorage.removeItem("facet");
    if (!place) return;
    drawer.scrollTop = place.scroll;
    const field = [...body.querySelectorAll("[name], [data-after]")].find((one) => mark(one) === place.mark);
    if (field?.closest("details")) field.closest("details").open = true;
    field?.focus({ preventScroll: true });
  }

  function go(form, field) {
    const asked = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value) asked.append(name, value);
    if (field) sessionStorage.setItem("facet", JSON.stringify({ mark: mark(field), scroll: drawer.scrollTop }));
    const words = asked.toString();
    location.assign(form.action + (words ? `?${words}` : ""));
  }
}

const isDay = (field) => field.matches("[type=date]");
const mark = (field) => field.dataset.after ? `${field.dataset.after} ${field.dataset.before}` : `${field.name} ${field.type === "select-one" ? "" : field.value}`;
