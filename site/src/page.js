/** Starts all that is alive on this page. */

import { enlivenGuesses } from "./guesses.js";
import { enlivenQuizzes } from "./quiz.js";

/** @typedef {{start: (place: HTMLElement, settings: any) => void}} Explorer */

/** @param {HTMLElement} place */
async function startExplorer(place) {
  const settings = JSON.parse(place.querySelector("script")?.textContent ?? "{}");
  const without = place.querySelector(".live-without");
  try {
    /** @type {Explorer} */
    const explorer = await import(`./explorers/${place.dataset.live}.js`);
    without?.remove();
    explorer.start(place, settings);
  } catch (error) {
    without?.replaceChildren(
      "The server did not send this part’s script, or not as JavaScript. Reload the page.",
    );
    throw error;
  } finally {
    place.classList.add("live-started"); // it needs no room kept for it any more
  }
}

for (const place of document.querySelectorAll("[data-live]")) {
  startExplorer(/** @type {HTMLElement} */ (place));
}
enlivenGuesses();
enlivenQuizzes();
