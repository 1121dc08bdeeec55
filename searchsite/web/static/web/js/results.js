// More results: by scrolling and by a button, into the same list.
const SOON = "600px";

export function startResults() {
  const list = document.querySelector("#cards");
  if (!list) return;
  const watcher = new IntersectionObserver((seen) => {
    if (seen.some((one) => one.isIntersecting)) load(document.querySelector("[data-more]"));
  }, { rootMargin: SOON });
  watch();
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-more]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    load(link);
  });

  function watch() {
    const more = document.querySelector("#more");
    if (more) watcher.observe(more);
  }

  async function load(link) {
    if (!link || link.ariaBusy === "true") return;
    link.ariaBusy = "true";
    try {
      const answer = await fetch(link.href, { headers: { "HX-Request": "true" } });
      if (!answer.ok) throw new Error(answer.statusText);
      take(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      // The button stays, as a link to the next page.
      link.ariaBusy = "false";
    }
  }

  function take(page) {
    const focused = document.activeElement?.matches("[data-more]");
    const fresh = [...page.querySelectorAll("li")];
    if (list.querySelector("[data-line=weak]")) page.querySelector("[data-line=weak]")?.remove();
    list.append(...fresh.filter((one) => one.isConnected));
    document.querySelector("#more").replaceWith(...page.querySelectorAll("#more"));
    if (focused) fresh.find((one) => one.dataset.id)?.querySelector("a").focus();
    watch();
  }
}
