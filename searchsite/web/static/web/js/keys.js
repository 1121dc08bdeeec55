// "/" and Ctrl/Cmd-K lead to the search box. The single key can be switched off: localStorage "single-keys" = "off".
const inText = (target) => target.closest?.("input, textarea, select, [contenteditable]") !== null;

export function startKeys() {
  const box = document.querySelector("#q");
  if (!box) return;
  document.addEventListener("keydown", (event) => {
    const combined = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k";
    const single = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey
      && !inText(event.target) && localStorage.getItem("single-keys") !== "off";
    if (!combined && !single) return;
    event.preventDefault();
    box.focus();
    box.select();
  });
  document.querySelector("[data-focus=q]")?.addEventListener("click", (event) => {
    event.preventDefault();
    box.focus();
  });
  box.form.querySelector(".clear")?.addEventListener("click", () => {
    box.value = "";
    box.focus();
  });
}
