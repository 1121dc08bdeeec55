// Files that arrive by drop or paste, anywhere on the page.
const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

export function veil(name) {
  return document.querySelector(`.drop-veil[data-veil="${name}"]`);
}

export function onFiles(take) {
  let depth = 0;
  const cover = veil("drop");
  const show = (on) => { cover.hidden = !on; };
  document.addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth += 1;
    show(true);
  });
  document.addEventListener("dragover", (event) => { if (carriesFiles(event)) event.preventDefault(); });
  document.addEventListener("dragleave", (event) => {
    if (!carriesFiles(event)) return;
    depth -= 1;
    if (depth <= 0) { depth = 0; show(false); }
  });
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    show(false);
    take([...event.dataTransfer.files]);
  });
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    // Text copied from an office program carries a picture of itself too: in a text field the text is meant.
    if (!files.length || event.target.closest?.("input, textarea, [contenteditable]") && event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    take(files);
  });
}
