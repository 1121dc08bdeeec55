// What is tried again is shown as waiting from the click on, and long enough to be seen, however soon it fails again.
const SEEN = 700;

export async function showWaiting(place, asked, stage = "") {
  turn(place, stage, true);
  const [answer] = await Promise.all([asked, new Promise((done) => { setTimeout(done, SEEN); })]);
  if (!answer?.ok) turn(place, stage, false);
  return answer;
}

// The button stays where it is: it has the focus.
function turn(place, stage, waiting) {
  const those = (name) => place.querySelectorAll(stage ? `[${name}="${CSS.escape(stage)}"]` : `[${name}]`);
  for (const one of those("data-fails")) one.hidden = waiting;
  for (const one of those("data-waits")) one.hidden = !waiting;
}
