// The words of an item: Enter saves (in a text of many lines with Ctrl or Cmd), Escape puts the old ones back.
const FORMS = "form.rename, .saying form";
const isChanged = (field) => field.value !== field.defaultValue;

export function startEditing() {
  // The forms come anew with each answer while the item is worked on: hence one ear for all of them.
  document.addEventListener("input", (event) => {
    const form = event.target.closest(FORMS);
    form?.classList.toggle("changed", isChanged(event.target));
  });
  document.addEventListener("keydown", (event) => {
    const form = event.target.closest(FORMS);
    const field = event.target;
    if (!form || field.tagName !== "TEXTAREA") return;
    if (event.key === "Enter" && !event.isComposing && (!field.classList.contains("lines") || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
    } else if (event.key === "Escape") {
      field.value = field.defaultValue;
      form.classList.remove("changed");
      field.blur();
    }
  });
  // Nobody's words are taken away by an answer that comes while they are written.
  document.addEventListener("htmx:config:request", (event) => {
    const source = event.detail.ctx?.sourceElement ?? event.target;
    if (source.id === "live" && source.querySelector(".saying textarea:focus, .saying form.changed")) event.preventDefault();
  });
}
