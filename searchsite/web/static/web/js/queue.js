// The queue's page asks every few seconds what has changed, unless nobody looks at it. Only what differs is exchanged,
// so what has the focus and what was opened stays as it is.
const EVERY = 3000, SAY_EVERY = 10000;

export function startQueue() {
  const page = document.querySelector("[data-queue]");
  if (!page) return;
  const live = () => document.querySelector("#queue-live");
  let heard = live().dataset.said, spoke = 0;

  const refresh = () => { if (!document.hidden) window.htmx.trigger(live(), "refresh"); };
  setInterval(refresh, EVERY);
  document.addEventListener("visibilitychange", refresh);
  // Whether something is open is the reader's business.
  window.htmx.config.morphIgnore.push("open");
  page.addEventListener("submit", (event) => {
    const asked = event.target.closest("details.really");
    if (asked && event.target.hasAttribute("hx-post")) {
      asked.open = false;
      document.querySelector("#queue-said").focus({ preventScroll: true });
    }
  });
  document.addEventListener("htmx:after:swap", () => {
    const words = live()?.dataset.said;
    if (!words || words === heard || Date.now() - spoke < SAY_EVERY) return;
    heard = words;
    spoke = Date.now();
    document.querySelector("#queue-told").textContent = words;
  });
}
