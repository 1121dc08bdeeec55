// The words of an item: Enter saves (in a text of many lines with Ctrl or Cmd), Escape puts the old ones back.
// What is saved changes the page where it stands: nothing else that is being written is lost, and Back still leads back.
import { showWaiting } from "./retrying.js";
import { say } from "./showing.js";

const FORMS = "form.rename, .saying form";
const CHANGED = FORMS.split(", ").map((one) => `${one}.changed`).join(", ");
// What these save is searched.
const SEARCHED = `${FORMS}, .tagging`;
const LOOK_AGAIN = 1500;
const MOST_TRIES = 40;
const isChanged = (field) => field.value !== field.defaultValue;

export function startEditing() {
  // The forms come anew with each answer while the item is worked on: hence one ear for all of them.
  document.addEventListener("input", (event) => {
    const form = event.target.closest(FORMS);
    form?.classList.toggle("changed", isChanged(event.target));
  });
  document.addEventListener("keydown", (event) => {
    const form = event.target.closest(FORMS);
    const field = event.target;
    if (!form || field.tagName !== "TEXTAREA") return;
    if (event.key === "Enter" && !event.isComposing && (!field.classList.contains("lines") || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
    } else if (event.key === "Escape") {
      event.preventDefault();
      field.value = field.defaultValue;
      form.classList.remove("changed");
      field.blur();
    }
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-saves]");
    if (!form) return;
    event.preventDefault();
    save(form, event.submitter);
  });
  window.addEventListener("beforeunload", (event) => { if (document.querySelector(CHANGED)) event.preventDefault(); });
  // Nobody's words are taken away by an answer that comes while they are written.
  document.addEventListener("htmx:config:request", (event) => {
    const source = event.detail.ctx?.sourceElement ?? event.target;
    if (source.id === "live" && source.querySelector(":is(textarea, input):focus, form.changed")) event.preventDefault();
  });
}

async function save(form, submitter) {
  if (form.ariaBusy === "true") return;
  form.ariaBusy = "true";
  const request = { method: "POST", body: new FormData(form, submitter), headers: { "HX-Request": "true" } };
  const asked = fetch(form.action, request).catch(() => null);
  const answer = submitter?.name === "stage" ? await showWaiting(form.closest("section"), asked, submitter.value) : await asked;
  form.ariaBusy = "false";
  if (!answer?.ok || answer.redirected || answer.headers.has("HX-Redirect")) {
    if (!answer || answer.headers.has("HX-Redirect")) {
      // These words are on their way.
      form.classList.remove("changed");
      return form.submit();
    }
    const plain = answer.headers.get("Content-Type")?.startsWith("text/plain");
    return say(plain ? await answer.text() : answer.statusText, { wrong: true });
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  replace(form, page.querySelector("#live"), submitter);
  // The picture may have come while one was writing.
  const stage = page.querySelector("#stage-place");
  if (stage?.querySelector("[data-width]") && document.querySelector("#stage:not([data-width])")) {
    document.querySelector("#stage-place").replaceWith(document.adoptNode(stage));
  }
  document.dispatchEvent(new CustomEvent("item:saved"));
}

function replace(form, fresh, submitter) {
  const live = document.querySelector("#live");
  const fields = [...live.querySelectorAll("textarea, input:not([type=hidden])")];
  const unsaved = fields.filter((one) => one.form !== form && isChanged(one)).map((one) => [one.id, one.value]);
  const focused = submitter?.dataset.then || form.dataset.saves || (document.activeElement?.id && `#${document.activeElement.id}`) || (submitter?.id && `#${submitter.id}`);
  live.replaceWith(document.adoptNode(fresh));
  for (const [id, value] of unsaved) {
    const field = document.getElementById(id);
    if (!field) continue;
    field.value = value;
    field.form.classList.add("changed");
  }
  window.htmx.process(fresh);
  if (focused) fresh.querySelector(focused)?.focus({ preventScroll: true });
  if (fresh.dataset.saved) tell(fresh, form.matches(SEARCHED));
}

// What was written is found at once by its words, and by its meaning once that is worked out.
function tell(live, searched) {
  const words = document.querySelector("#said").dataset;
  const { saved, status } = live.dataset;
  const soon = searched && status === "processing";
  say([saved, soon && words.soon, searched && status === "ready" && words.now].filter(Boolean).join(" "), { lasting: searched });
  if (soon) follow(live.getAttribute("hx-get"), words.now);
}

// The page itself asks too, but not while one of its fields has the focus.
async function follow(address, now) {
  const mine = (follow.last = {});
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    await new Promise((done) => { setTimeout(done, LOOK_AGAIN); });
    if (follow.last !== mine) return;
    const status = await statusOf(address);
    // Of what failed, the stages on the page tell.
    if (status === "ready") say(now, { lasting: true });
    if (status !== "processing") return;
  }
}

async function statusOf(address) {
  const here = document.querySelector("#live").dataset.status;
  if (here !== "processing") return here;
  const answer = await fetch(address, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return here;
  return new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#live")?.dataset.status ?? here;
}
