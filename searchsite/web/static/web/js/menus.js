// Menus are <details>; here they also close on Escape, on a click outside, and when another opens.
// What asks "really?" closes on Escape alone.
const open = () => document.querySelectorAll("details.menu[open]");

export function startMenus() {
  document.addEventListener("click", (event) => {
    for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("focusin", (event) => {
    for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open], details.really[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}
