/** Predictions: a form where a lesson asks for one, and the guess beside the result when that is opened. */

import { howFar, parsed } from "./numbers.js";
import { keep, kept } from "./storage.js";
import { announcer, fill, h, labelled, newId } from "./ui.js";

const ASKED = /^(.+): your guess\?\n(?:Guess a number|Choose (.+)): run this cell.*$/m;
const BESIDE = /^(.+): (.+)\. Your guess: none yet\.$/gm;
const PREDICT = "Predict.";
const NOT_KEPT =
  "It could not be kept: this browser forbids it, or has no room. Until you leave the page, it stands here";

/** @typedef {{question: string, choices: string[]}} Asked */

export function enlivenGuesses() {
  /** @type {Map<string, Asked>} */
  const asked = new Map();
  for (const cell of document.querySelectorAll("article div.cell.tag_guess")) {
    const output = cell.querySelector(".cell_output");
    const text = output?.querySelector("pre");
    const found = ASKED.exec(text?.textContent ?? "");
    if (output && text && found) {
      const guess = { question: found[1], choices: found[2]?.split(" or ") ?? [] };
      asked.set(guess.question, guess);
      output.after(guessForm(guess, () => showBeside(asked)));
      text.textContent = (text.textContent ?? "").replace(ASKED, "").trim();
      if (!text.textContent) {
        output.setAttribute("hidden", ""); // the form says it all
      }
    }
  }
  writtenPredictions();
  showBeside(asked);
}

/**
 * @param {Asked} asked
 * @param {() => void} changed
 */
function guessForm({ question, choices }, changed) {
  const status = announcer();
  const field = choices.length ? radios(question, choices) : numberBox(question);
  const button = h("button", { type: "submit" }, "Keep my guess");
  const say = (/** @type {string} */ text) => fill(status, text);
  const told = (/** @type {string} */ guess, isKept = true) =>
    isKept
      ? `Kept in this browser: ${guess}. It stands beside the result.`
      : `${NOT_KEPT} and beside the result: ${guess}.`;
  const onsubmit = (/** @type {Event} */ event) => {
    event.preventDefault();
    const guess = field.value().trim();
    if (guess && !choices.length && !parsed(guess)) {
      say(`A number is asked, for example 3 or 3.5, and not “${guess}”.`);
      return;
    }
    const isKept = keep(question, guess);
    say(guess ? told(guess, isKept) : "No guess is kept.");
    changed();
  };
  if (kept(question)) {
    say(told(kept(question)));
  }
  return h("form", { class: "live live-guess", onsubmit }, field.element, button, status);
}

/** @param {string} question */
function numberBox(question) {
  const box = h("input", { type: "text", value: kept(question), autocomplete: "off", size: 8 });
  return { element: labelled(`Your guess: ${question}`, box), value: () => box.value };
}

/**
 * @param {string} question
 * @param {string[]} choices
 */
function radios(question, choices) {
  const name = newId();
  const boxes = choices.map((choice) =>
    h("input", { type: "radio", name, value: choice, checked: kept(question) === choice }),
  );
  const labels = boxes.map((box, place) => h("label", {}, box, ` ${choices[place]}`));
  const element = h("fieldset", {}, h("legend", {}, `Your guess: ${question}`), ...labels);
  return { element, value: () => boxes.find((box) => box.checked)?.value ?? "" };
}

/** A box for each prediction that the lesson asks for in words only. */
function writtenPredictions() {
  const marks = [...document.querySelectorAll("article p > strong")];
  for (const [number, mark] of marks.filter((found) => found.textContent === PREDICT).entries()) {
    const paragraph = /** @type {HTMLElement} */ (mark.parentElement);
    const cell = nextCell(paragraph);
    if (cell && !cell.classList.contains("tag_guess")) {
      cell.before(written(`prediction-${number + 1}`));
    }
  }
}

/** @param {Element} element */
function nextCell(element) {
  let next = element.nextElementSibling;
  while (next && !next.matches("div.cell, section, form")) {
    next = next.nextElementSibling;
  }
  return next?.matches("div.cell") ? next : null;
}

/** @param {string} name */
function written(name) {
  const box = h("textarea", { rows: 2, value: kept(name), dir: "auto" });
  const status = announcer();
  box.addEventListener("change", () => {
    const isKept = keep(name, box.value.trim());
    const told = isKept ? "Kept in this browser." : `${NOT_KEPT}.`;
    fill(status, box.value.trim() ? told : "No prediction is kept.");
  });
  return h("div", { class: "live live-guess" }, labelled("Your prediction", box), status);
}

/** @type {Map<Text, string>} */
const originals = new Map();

/**
 * Where a result says "none yet", say what the reader guessed.
 *
 * @param {Map<string, Asked>} asked
 */
function showBeside(asked) {
  for (const pre of document.querySelectorAll("article div.cell .cell_output pre")) {
    for (const node of pre.childNodes) {
      if (node instanceof Text && (originals.has(node) || node.data.includes("Your guess: none yet."))) {
        const original = originals.get(node) ?? node.data;
        originals.set(node, original);
        node.data = original.replace(BESIDE, (line, question, measured) => {
          const guess = kept(question);
          const isChoice = Boolean(asked.get(question)?.choices.length);
          return guess
            ? `${question}: ${measured}. Your guess: ${guess}${howFar(guess, measured, isChoice)}.`
            : line;
        });
      }
    }
  }
}
