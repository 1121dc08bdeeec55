// Search by a picture: the camera button, a drop, or a paste sends the same small form.
import { onFiles, veil } from "./files.js";

export function startPictures() {
  const form = document.querySelector("#picture-form");
  if (!form) return;
  const input = form.querySelector("input[type=file]");
  const send = () => {
    form.querySelector("[name=q]").value = document.querySelector("#q")?.value ?? "";
    veil("busy").hidden = false;
    form.submit();
  };
  document.querySelector(".camera")?.addEventListener("click", (event) => {
    event.preventDefault();
    input.click();
  });
  input.addEventListener("change", () => { if (input.files.length) send(); });
  onFiles((files) => {
    const picture = files.find((file) => file.type.startsWith("image/")) ?? files[0];
    const carrier = new DataTransfer();
    carrier.items.add(picture);
    input.files = carrier.files;
    send();
  });
  // Coming Back from the results must not show the page as busy.
  window.addEventListener("pageshow", () => { veil("busy").hidden = true; input.value = ""; });
}
