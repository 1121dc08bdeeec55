// Sends files by the tus protocol, three at a time: a small one in one request, a large one in pieces that can be resumed.
import { noteOf } from "./rows.js";

const AT_ONCE = 3;
const PIECE = 4 * 2 ** 20;
const DELAYS = [0, 1000, 3000, 5000, 10_000, 20_000];
const TUS = { "Tus-Resumable": "1.0.0" };
// These may go better another time, though they are said in a sentence.
const PASSING = new Set([401, 409, 423, 429]);
let loading;

// The states of a file: waiting, sending, checking, offline; lost, refused, cancelled; then processing, ready, failed.
export function startSending(words, changed) {
  const waiting = [];
  let running = 0;
  const next = () => {
    while (running < AT_ONCE && waiting.length) {
      running += 1;
      send(waiting.shift(), words, changed).finally(() => { running -= 1; next(); });
    }
  };
  const add = (entries) => {
    for (const entry of entries) Object.assign(entry, { state: "waiting", reason: "" });
    waiting.push(...entries);
    entries.forEach(changed);
    next();
  };
  const cancel = (entry) => {
    const place = waiting.indexOf(entry);
    if (place >= 0) waiting.splice(place, 1);
    Object.assign(entry, { state: "cancelled", file: null });
    entry.stop?.();
    changed(entry);
  };
  return { add, cancel };
}

export function answered(html) {
  return new DOMParser().parseFromString(html, "text/html").querySelectorAll("li.entry");
}

async function send(entry, words, changed) {
  // A large script, and only who adds something needs it.
  loading ??= import("../vendor/tus.min.js");
  await loading;
  if (entry.state === "cancelled") return;
  entry.state = "sending";
  changed(entry);
  await new Promise((done) => {
    const end = () => { entry.stop = null; changed(entry); done(); };
    const upload = new window.tus.Upload(entry.file, {
      ...how(entry, words),
      onProgress: (sent, all) => {
        Object.assign(entry, { sent, state: sent < all ? "sending" : "checking" });
        changed(entry);
      },
      onSuccess: ({ lastResponse }) => taken(entry, upload.url, lastResponse, words).then(end),
      onError: (error) => { fail(entry, error.originalResponse, words); end(); },
    });
    entry.stop = () => { upload.abort(true).catch(() => {}); end(); };
    goOn(upload, entry);
  });
}

function how(entry, words) {
  const { file, place } = entry;
  const large = file.size > PIECE;
  const metadata = { filename: file.name, filetype: file.type };
  return {
    endpoint: words.endpoint,
    headers: { "X-CSRFToken": words.token, "HX-Request": "true" },
    metadata: place ? { ...metadata, collection: place } : metadata,
    chunkSize: PIECE,
    retryDelays: DELAYS,
    uploadDataDuringCreation: !large,
    storeFingerprintForResuming: large,
    removeFingerprintOnSuccess: true,
    fingerprint: async () => ["searchsite", words.team, place, file.name, file.size, file.lastModified].join(":"),
  };
}

// What broke off before the page was left goes on, once the same file is chosen again.
async function goOn(upload, entry) {
  const earlier = upload.options.storeFingerprintForResuming ? await upload.findPreviousUploads() : [];
  if (entry.state === "cancelled") return;
  if (earlier.length) upload.resumeFromPreviousUpload(earlier.at(-1));
  upload.start();
}

async function taken(entry, url, response, words) {
  let [row] = answered(response?.getBody() ?? "");
  if (!row) {
    // The last answer was lost: ask what became of it.
    const headers = { ...TUS, "X-CSRFToken": words.token, "HX-Request": "true" };
    const again = await fetch(url, { method: "POST", headers }).catch(() => null);
    const body = await again?.text();
    if (again?.ok) [row] = answered(body);
    else if (again) return refuse(entry, again.status, again.headers.get("Content-Type"), body, words);
  }
  if (!row) return refuse(entry, 0, "", "", words);
  Object.assign(entry, { id: row.dataset.id, known: "known" in row.dataset, note: noteOf(row), state: row.dataset.state, fresh: row, file: null });
}

function fail(entry, response, words) {
  if (entry.state === "cancelled") return;
  if (response) refuse(entry, response.getStatus(), response.getHeader("Content-Type"), response.getBody(), words);
  else refuse(entry, 0, "", "", words);
}

function refuse(entry, status, type, body, words) {
  const said = type?.startsWith("text/plain") && body.length < 500 ? body : "";
  entry.state = status >= 400 && status < 500 && said && !PASSING.has(status) ? "refused" : "lost";
  entry.reason = said || (status === 403 ? words.session : words.lost);
  if (!status && !navigator.onLine) entry.state = "offline";
}
