/** Predictions: the page's forms keep them, and a guess stands beside the result when that is opened. */

import { howFar, parsed } from "./numbers.js";
import { keep, kept } from "./storage.js";
import { fill } from "./ui.js";

const BESIDE = /^(.+): (.+)\. Your guess: none yet\.$/gm;
const NOT_KEPT =
  "It could not be kept: this browser forbids it, or has no room. Until you leave the page, it stands here";

/** @typedef {Map<string, boolean>} Asked by question, whether it is a choice */

export function enlivenGuesses() {
  /** @type {Asked} */
  const asked = new Map();
  for (const form of document.querySelectorAll("form.live-guess")) {
    enlivenForm(/** @type {HTMLFormElement} */ (form), asked);
  }
  for (const place of document.querySelectorAll("div.live-guess")) {
    enlivenPrediction(/** @type {HTMLElement} */ (place));
  }
  showBeside(asked);
}

/** @param {HTMLElement} place */
const statusOf = (place) => /** @type {HTMLElement} */ (place.querySelector("[role=status]"));

/**
 * @param {HTMLFormElement} form
 * @param {Asked} asked gets this form's question
 */
function enlivenForm(form, asked) {
  const question = form.dataset.question ?? "";
  const boxes = [...form.querySelectorAll("input")];
  const isChoice = boxes[0].type === "radio";
  asked.set(question, isChoice);
  const say = (/** @type {string} */ text) => fill(statusOf(form), text);
  const told = (/** @type {string} */ guess, /** @type {boolean} */ isKept) =>
    isKept
      ? `Kept in this browser: ${guess}. It stands beside the result.`
      : `${NOT_KEPT} and beside the result: ${guess}.`;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const guess = (isChoice ? boxes.find((box) => box.checked) : boxes[0])?.value.trim() ?? "";
    if (guess && !isChoice && !parsed(guess)) {
      say(`A number is asked, for example 3 or 3.5, and not “${guess}”.`);
      return;
    }
    const isKept = keep(question, guess);
    say(guess ? told(guess, isKept) : "No guess is kept.");
    showBeside(asked);
  });
  const before = kept(question);
  // It stands in the form again, without a word: a line more would move what stands below.
  if (before && isChoice) {
    boxes.forEach((box) => (box.checked = box.value === before));
  } else if (before) {
    boxes[0].value = before;
  }
  form.querySelector("button")?.removeAttribute("disabled");
}

/** @param {HTMLElement} place a box for a prediction in words */
function enlivenPrediction(place) {
  const name = place.dataset.prediction ?? "";
  const box = /** @type {HTMLTextAreaElement} */ (place.querySelector("textarea"));
  box.value = kept(name) || box.value; // or what was typed before this script came
  box.addEventListener("change", () => {
    const isKept = keep(name, box.value.trim());
    const told = isKept ? "Kept in this browser." : `${NOT_KEPT}.`;
    fill(statusOf(place), box.value.trim() ? told : "No prediction is kept.");
  });
}

/** @type {Map<Text, string>} */
const originals = new Map();

/**
 * Where a result says "none yet", say what the reader guessed.
 *
 * @param {Asked} asked
 */
function showBeside(asked) {
  for (const pre of document.querySelectorAll("article div.cell .cell_output pre")) {
    for (const node of pre.childNodes) {
      if (node instanceof Text && (originals.has(node) || node.data.includes("Your guess: none yet."))) {
        const original = originals.get(node) ?? node.data;
        originals.set(node, original);
        node.data = original.replace(BESIDE, (line, question, measured) => {
          const guess = kept(question);
          const isChoice = Boolean(asked.get(question));
          return guess
            ? `${question}: ${measured}. Your guess: ${guess}${howFar(guess, measured, isChoice)}.`
            : line;
        });
      }
    }
  }
}
