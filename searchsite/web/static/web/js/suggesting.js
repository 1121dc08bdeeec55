// What the library suggests for the words so far: asked a moment after the last key, and only for the newest words.
const AFTER = 120;
const LONGEST = 200;

export function suggestions(address) {
  let asking = null;
  let waiting = 0;
  let givenUp = () => {};

  function stop() {
    clearTimeout(waiting);
    asking?.abort();
    givenUp(null);
  }

  // Resolves to null where something else was typed, or the question failed: then nothing is shown.
  async function of(words) {
    stop();
    if (words.trim().length < 2 || words.length > LONGEST) return [];
    const goOn = await new Promise((done) => {
      givenUp = done;
      waiting = setTimeout(() => done(true), AFTER);
    });
    if (!goOn) return null;
    asking = new AbortController();
    try {
      const answer = await fetch(`${address}?${new URLSearchParams({ q: words })}`, { signal: asking.signal });
      if (!answer.ok || answer.redirected) return [];
      return (await answer.json()).suggestions;
    } catch {
      return null;
    }
  }

  return { of, stop };
}
