/** Starts all that is alive on this page. */

import { enlivenGuesses } from "./guesses.js";
import { enlivenQuizzes } from "./quiz.js";

/** @typedef {{start: (place: HTMLElement, settings: any) => void}} Explorer */

/** @param {HTMLElement} place */
async function startExplorer(place) {
  const settings = JSON.parse(place.querySelector("script")?.textContent ?? "{}");
  /** @type {Explorer} */
  const explorer = await import(`./explorers/${place.dataset.live}.js`);
  place.querySelector(".live-without")?.remove();
  explorer.start(place, settings);
}

for (const place of document.querySelectorAll("[data-live]")) {
  startExplorer(/** @type {HTMLElement} */ (place));
}
enlivenGuesses();
enlivenQuizzes();
