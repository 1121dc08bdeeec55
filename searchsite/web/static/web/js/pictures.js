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
  const within = form.querySelector("[name=in]");
  const choose = (event, question) => {
    event.preventDefault();
    within.disabled = question === undefined;
    within.value = question ?? "";
    input.click();
  };
  document.querySelector(".camera")?.addEventListener("click", (event) => choose(event));
  // A picture that is added to the question, beside what is in it.
  document.querySelector("[data-adds]")?.addEventListener("click", (event) => choose(event, event.currentTarget.dataset.adds));
  input.addEventListener("change", () => { if (input.files.length) send(); });
  onFiles((files) => {
    const picture = files.find((file) => file.type.startsWith("image/")) ?? files[0];
    const carrier = new DataTransfer();
    carrier.items.add(picture);
    input.files = carrier.files;
    within.disabled = true;
    send();
  });
  // Coming Back from the results must not show the page as busy.
  window.addEventListener("pageshow", () => { veil("busy").hidden = true; input.value = ""; });
}
