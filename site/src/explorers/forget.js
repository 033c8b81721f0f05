/** Forget what the pages keep in this browser. */

import { forgetFiles } from "../engine/files.js";
import { forgetAll } from "../storage.js";
import { announcer, fill, h } from "../ui.js";

/** @param {HTMLElement} place */
export function start(place) {
  const status = announcer();
  const onclick = async () => {
    const count = forgetAll();
    const hadFiles = await forgetFiles();
    const words = count === 1 ? "1 guess, answer or text" : `${count} guesses, answers and texts`;
    fill(status, `Forgotten: ${words}${hadFiles ? ", and the models’ files" : ""}.`);
  };
  place.append(
    h("p", {}, "Your guesses and answers, the texts that you typed, and the models that you loaded."),
    h("button", { type: "button", onclick }, "Forget all of it"),
    status,
  );
}
