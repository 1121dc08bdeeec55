// Questions: the answer is read as it is written. Markup comes escaped from the server; without a script the form
// itself brings the whole answer.
const find = (name) => document.querySelector(`[data-${name}]`);

export function startAsking() {
  const form = document.querySelector("#ask-form");
  if (!form) return;
  const box = form.querySelector("textarea");
  let running = null;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  box.addEventListener("input", instead);
  find("stop").addEventListener("click", stop);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && running) stop(); });
  document.addEventListener("click", copy);
  window.addEventListener("pagehide", () => running?.abort());
  for (const kind of ["mouseover", "mouseout", "focusin", "focusout"]) document.addEventListener(kind, light);
  ended(citedIn(), document.querySelector(".outcome") !== null);

  function instead() {
    const link = find("instead");
    const url = new URL(link.href);
    url.searchParams.set("q", box.value);
    link.href = url;
  }

  function stop() {
    running?.abort();
    // What is hidden takes no focus.
    busy(false);
    find("go").focus();
  }

  async function ask() {
    running?.abort();
    const own = new AbortController();
    running = own;
    begin();
    let state = "";
    try {
      const answer = await fetch(form.dataset.stream, {
        method: "POST", body: new FormData(form), signal: own.signal, headers: { Accept: "text/event-stream" },
      });
      if (answer.redirected) return location.assign(answer.url);
      if (!answer.ok || !answer.headers.get("Content-Type")?.startsWith("text/event-stream")) return await refuse(answer);
      for await (const [name, data] of events(answer.body)) {
        if (own !== running) return;
        take(name, data);
        if (name === "end") state = data.state;
      }
      if (!state) cut("broken");
    } catch {
      // Nothing of an answer that broke off is shown as whole.
      if (own === running) cut(own.signal.aborted ? "stopped" : find("answered").hidden ? "away" : "broken");
    } finally {
      if (own === running) {
        running = null;
        busy(false);
      }
    }
  }

  // A reload keeps the question, not the answer. Servers take no address of any length.
  function keep() {
    const url = new URL(location.href);
    url.hash = "";
    url.searchParams.set("q", box.value);
    if (url.href.length < 4000) history.replaceState(history.state, "", url);
  }

  function begin() {
    busy(true);
    keep();
    find("wrong").hidden = find("hint").hidden = true;
    find("answered").hidden = false;
    find("answered").classList.remove("ended");
    for (const name of ["written", "outcome", "cards"]) find(name).replaceChildren();
    find("sources").hidden = find("thoughts").hidden = true;
    find("thoughts").open = false;
    find("thoughts").lastElementChild.textContent = "";
    say("looking");
  }

  function busy(on) {
    find("stop").hidden = !on;
    find("go").hidden = on;
    find("written").setAttribute("aria-busy", String(on));
    find("working").hidden = !on;
  }

  async function refuse(answer) {
    const plain = answer.headers.get("Content-Type")?.startsWith("text/plain");
    find("answered").hidden = true;
    find("wrong").lastElementChild.textContent = plain ? await answer.text() : find("words").dataset.away;
    find("wrong").hidden = false;
  }
}

function say(what) {
  const words = find("working").lastElementChild;
  if (words.textContent !== words.dataset[what]) words.textContent = words.dataset[what];
}

function take(name, data) {
  if (name === "sources") {
    find("cards").innerHTML = data.html; // nosemgrep: markup-put-in - a template wrote it
    find("sources").hidden = !find("cards").querySelector(".source");
    say("writing");
  } else if (name === "thinking") {
    const thoughts = find("thoughts");
    if ("all" in data) thoughts.lastElementChild.textContent = data.all;
    else thoughts.lastElementChild.append(data.more);
    thoughts.hidden = !thoughts.lastElementChild.textContent;
  } else if (name === "answer") {
    const written = find("written");
    while (written.children.length > data.from) written.lastElementChild.remove();
    written.insertAdjacentHTML("beforeend", data.blocks.join("")); // nosemgrep: markup-put-in - escaped when it was rendered
  } else if (name === "end") {
    find("outcome").innerHTML = data.html; // nosemgrep: markup-put-in - a template wrote it
    ended(new Set(data.cited), data.state === "complete");
  }
}

function cut(why) {
  const shown = find("cut").content.cloneNode(true);
  shown.querySelector("span").textContent = find("words").dataset[why];
  find("outcome").replaceChildren(shown);
}

const citedIn = () => new Set([...document.querySelectorAll(".cite")].map((one) => Number(one.textContent)));

function ended(cited, whole) {
  for (const source of document.querySelectorAll(".source")) source.classList.toggle("cited", cited.has(Number(source.dataset.number)));
  find("answered").classList.toggle("ended", whole && cited.size > 0);
  const button = find("copy");
  if (button) button.hidden = false;
}

// A number and its source light up together.
function light(event) {
  const cite = event.target.closest?.(".cite");
  if (!cite) return;
  const on = event.type === "mouseover" || event.type === "focusin";
  document.getElementById(cite.hash.slice(1))?.classList.toggle("lit", on);
}

async function copy(event) {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  const sources = [...document.querySelectorAll(".source.cited")].map((source) => {
    const title = source.querySelector("b").lastChild.textContent;
    return `[${source.dataset.number}] ${title}: ${source.querySelector("a").href}`;
  });
  await put([told(find("written")), ...sources].join("\n"));
  button.lastChild.textContent = find("words").dataset.copied;
}

// The answer as text, each citation in brackets.
function told(written) {
  const copied = written.cloneNode(true);
  for (const cite of copied.querySelectorAll(".cite")) cite.textContent = `[${cite.textContent}]`;
  for (const item of copied.querySelectorAll("li")) item.prepend("- ");
  for (const block of copied.querySelectorAll("p, li, pre")) block.append("\n");
  return copied.textContent;
}

// Outside of https there is no clipboard but the old one.
async function put(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let kept = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const parts = (kept + value).split("\n\n");
      kept = parts.pop();
      for (const part of parts) {
        const lines = part.split("\n");
        const name = lines.find((line) => line.startsWith("event: "))?.slice(7);
        if (name) yield [name, JSON.parse(lines.find((line) => line.startsWith("data: ")).slice(6))];
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
