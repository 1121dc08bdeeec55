// "?" shows what the keys do; there, and in the account's menu, single keys can be switched off and on.
import { openDialog } from "./dialogs.js";
import { inText, singleKeysAreOn } from "./keys.js";

export function startHelp() {
  const help = document.querySelector("#keys-help");
  if (!help) return;
  document.addEventListener("keydown", (event) => {
    const asked = event.key === "?" && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!asked || inText(event.target) || !singleKeysAreOn() || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    show(help);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-keys-help]");
    if (!button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(help, button.dataset.keysHelp);
  });
}

function show(help, part = "") {
  const box = openDialog(help.content.firstElementChild.cloneNode(true)).querySelector("[data-single-keys]");
  box.checked = singleKeysAreOn();
  if (part) box.closest("dialog").querySelector(`.${part}`).scrollIntoView({ block: "center" });
  box.addEventListener("change", () => localStorage.setItem("single-keys", box.checked ? "on" : "off"));
}
