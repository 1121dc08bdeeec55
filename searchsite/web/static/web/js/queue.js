// The queue's page asks every second what has changed, or more seldom where the answer takes its time, and not at all
// while nobody looks at it. Only what differs is exchanged, so what has the focus and what was opened stays as it is.
// A page that its reader may not see any more is loaded anew, and so goes.
const SOONEST = 1000, LATEST = 3000, SHARE = 20, SAY_EVERY = 10000;

export function startQueue() {
  const page = document.querySelector("[data-queue]");
  if (!page) return;
  const live = () => document.querySelector("#queue-live");
  let heard = live().dataset.said, spoke = 0, asked = 0, next = 0;

  const refresh = () => {
    if (document.hidden || (asked && Date.now() - asked < 30000)) return;
    asked = Date.now();
    window.htmx.trigger(live(), "refresh");
  };
  setInterval(() => { if (Date.now() >= next) refresh(); }, SOONEST / 4);
  document.addEventListener("visibilitychange", refresh);
  document.addEventListener("htmx:finally:request", () => {
    if (asked) next = Date.now() + Math.min(LATEST, Math.max(SOONEST, SHARE * (Date.now() - asked)));
    asked = 0;
  });
  document.addEventListener("htmx:response:error", (event) => {
    const { response, sourceElement } = event.detail.ctx;
    if (sourceElement === live() && [401, 403, 404].includes(response.status)) window.location.reload();
  });
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
