// One row a file: its progress, its reason, and what can be done about it. Then what all of them amount to.
export const UNSENT = new Set(["waiting", "sending", "checking", "offline"]);
const PROBLEMS = new Set(["lost", "refused", "failed"]);
const language = document.documentElement.lang || undefined;

export function fill(sentence, values) {
  return sentence.replace(/%\((\w+)\)s/g, (_, name) => values[name]);
}

// A number with its thousands apart.
export const written = (number) => number.toLocaleString(language);

export function bytes(number) {
  const [unit, size] = number < 1e6 ? ["kilobyte", 1e3] : number < 1e9 ? ["megabyte", 1e6] : ["gigabyte", 1e9];
  const most = number / size < 10 && size > 1e3 ? 1 : 0;
  return new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits: most }).format(number / size);
}

// What a row says of a file that was there already.
export const noteOf = (row) => row.querySelector(".entry-note.same");

export function newRow(entry, template) {
  const row = template.content.firstElementChild.cloneNode(true);
  const words = template.dataset;
  row.querySelector(".entry-name").textContent = entry.path;
  row.querySelector(".entry-name").title = entry.path;
  row.querySelector("progress").setAttribute("aria-label", entry.path);
  row.querySelector("[data-do=cancel]").setAttribute("aria-label", fill(words.cancel, { name: entry.path }));
  row.querySelector("[data-do=retry]").setAttribute("aria-label", fill(words.retry, { name: entry.path }));
  return row;
}

export function draw(entry, words) {
  if (entry.fresh) return replace(entry);
  const { row, state } = entry;
  row.dataset.state = state;
  const bar = row.querySelector("progress");
  bar.hidden = !UNSENT.has(state);
  if (state === "checking") bar.removeAttribute("value");
  else bar.value = entry.size ? entry.sent / entry.size : 0;
  row.querySelector(".entry-note").textContent = note(entry, words);
  act(row, "retry", state === "lost");
  act(row, "cancel", UNSENT.has(state) && state !== "checking");
  if (state !== "waiting") show(entry);
}

function note({ state, reason, sent, size }, words) {
  switch (state) {
    case "waiting": return `${words.waiting} · ${bytes(size)}`;
    case "sending": return fill(words.part, { done: bytes(sent), all: bytes(size) });
    case "checking": return words.checking;
    case "offline": return words.offline;
    case "cancelled": return words.stopped;
    default: return reason;
  }
}

// A button that goes while it has the focus hands it to the row, so that the keyboard keeps its place.
function act(row, name, on) {
  const button = row.querySelector(`[data-do=${name}]`);
  if (!on && document.activeElement === button) { row.tabIndex = -1; row.focus({ preventScroll: true }); }
  button.hidden = !on;
}

// The item's own entry takes the place of the file's; the same item twice is one row that says so.
function replace(entry) {
  const fresh = document.adoptNode(entry.fresh);
  entry.fresh = null;
  if (entry.row.innerHTML === fresh.innerHTML) return;
  const focused = entry.row.contains(document.activeElement);
  if (document.getElementById(fresh.id) && document.getElementById(fresh.id) !== entry.row) fresh.removeAttribute("id");
  if (entry.known) same(entry, fresh);
  entry.row.replaceWith(fresh);
  entry.row = fresh;
  if (focused) (fresh.querySelector("a, button") ?? fresh).focus({ preventScroll: true });
}

// Of a file that was there already, the row goes on to say so, under the file's own name. Only the answer to the file
// says it, and a later answer may be there before that was drawn.
function same({ row, note }, fresh) {
  const name = fresh.querySelector(".entry-name");
  name.textContent = row.querySelector(".entry-name").textContent;
  if (note) name.after(note);
}

// The picture itself, while the server has none: only for what is being sent, as each must be decoded whole.
function show(entry) {
  if (entry.shown || !entry.file?.type.startsWith("image/") || entry.size > 20e6) return;
  entry.shown = true;
  const picture = document.createElement("img");
  picture.alt = "";
  picture.loading = "lazy";
  picture.decoding = "async";
  picture.src = URL.createObjectURL(entry.file);
  picture.addEventListener("load", () => URL.revokeObjectURL(picture.src), { once: true });
  picture.addEventListener("error", () => picture.remove(), { once: true });
  entry.row.querySelector(".entry-thumb").append(picture);
}

export function counted(entries) {
  const count = { all: 0, sent: 0, unsent: 0, working: 0, ready: 0, same: 0, refused: 0, failed: 0, problems: 0, retry: 0, cancelled: 0, bytes: 0, gone: 0 };
  for (const { state, known, size, sent } of entries) {
    if (state === "cancelled") { count.cancelled += 1; continue; }
    count.all += 1;
    if (UNSENT.has(state)) {
      count.unsent += 1;
      count.bytes += size;
      count.gone += sent;
    } else count.sent += 1;
    if (state === "processing") count.working += 1;
    if (state === "ready") count.ready += 1;
    if (known) count.same += 1;
    // What is here and could not be worked on was taken all the same.
    if (state === "failed") count.failed += 1;
    else if (PROBLEMS.has(state)) count.refused += 1;
    if (PROBLEMS.has(state)) count.problems += 1;
    if (state === "lost" || state === "failed") count.retry += 1;
  }
  return count;
}

export function totals(count, left, words) {
  const number = (name, value) => value && fill(words[name], { number: written(value) });
  return [
    count.unsent && fill(words.sent, { done: written(count.sent), all: written(count.all) }),
    number("working", count.working),
    !count.unsent && number("allReady", count.ready),
    number("same", count.same),
    number("refused", count.refused),
    number("failed", count.failed),
    number("cancelled", count.cancelled),
    left && fill(words.left, { time: left }),
  ].filter(Boolean).join(" · ");
}

export function duration(seconds) {
  const [unit, value] = seconds < 90 ? ["second", Math.max(5, Math.round(seconds / 5) * 5)] : ["minute", Math.round(seconds / 60)];
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(value);
}
