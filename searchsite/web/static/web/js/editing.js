// The title of an item: Enter saves, Escape puts the old one back.
export function startEditing() {
  for (const form of document.querySelectorAll("form.rename")) {
    const field = form.querySelector("textarea");
    field.addEventListener("input", () => form.classList.toggle("changed", field.value !== field.defaultValue));
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) {
        event.preventDefault();
        form.requestSubmit();
      } else if (event.key === "Escape") {
        field.value = field.defaultValue;
        form.classList.remove("changed");
        field.blur();
      }
    });
  }
}
