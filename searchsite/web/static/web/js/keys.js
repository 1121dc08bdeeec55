// "/" and Ctrl/Cmd-K lead to the search box. The single key can be switched off: localStorage "single-keys" = "off".
export const inText = (target) => Boolean(target.closest?.("input, textarea, select, [contenteditable]"));
export const singleKeysAreOn = () => localStorage.getItem("single-keys") !== "off";

export function startKeys() {
  const box = document.querySelector("#q");
  if (!box) return;
  document.addEventListener("keydown", (event) => {
    const combined = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k";
    const single = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey
      && !inText(event.target) && singleKeysAreOn();
    if (!combined && !single) return;
    event.preventDefault();
    box.focus();
    box.select();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-focus=q]")) return;
    event.preventDefault();
    box.focus();
  });
  box.form.querySelector(".clear")?.addEventListener("click", () => {
    box.value = "";
    box.focus();
  });
}
