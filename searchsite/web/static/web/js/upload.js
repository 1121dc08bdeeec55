// The upload page: files and folders from its form go the same way as those that are dropped.
import { addFiles } from "./files.js";

export function startUpload() {
  const form = document.querySelector("[data-upload]");
  const input = form.querySelector("input[type=file]");
  const folder = document.querySelector("[data-folder]");
  for (const field of [input, folder]) {
    field.addEventListener("change", () => {
      goingOn([...field.files]);
      addFiles([...field.files]);
      field.value = "";
    });
  }
  form.addEventListener("submit", (event) => { event.preventDefault(); input.click(); });
  form.querySelector("[data-pick=files]").addEventListener("click", () => input.click());
  const pick = form.querySelector("[data-pick=folder]");
  pick.hidden = !("webkitdirectory" in folder);
  pick.addEventListener("click", () => folder.click());
}

// What was left unfinished and is chosen again is in the other list now.
function goingOn(files) {
  for (const row of document.querySelectorAll("[data-unfinished]")) {
    if (files.some((file) => file.name === row.dataset.unfinished && file.size === Number(row.dataset.size))) row.remove();
  }
  const section = document.querySelector(".unfinished");
  if (section && !section.querySelector("li")) section.remove();
}
