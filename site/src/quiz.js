/** A quiz: choose an option, see what the lesson says of it. The explanations of all stay where they are. */

import { keep, kept } from "./storage.js";
import { fill } from "./ui.js";

const LETTER = /^[A-D]$/;

export function enlivenQuizzes() {
  for (const form of document.querySelectorAll("form.live-quiz")) {
    const answers = form.parentElement?.querySelector(":scope > details");
    enliven(/** @type {HTMLFormElement} */ (form), /** @type {HTMLElement} */ (answers));
  }
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement} answers
 */
function enliven(form, answers) {
  const explained = byLetter(answers);
  const boxes = [...form.querySelectorAll("input")];
  const said = /** @type {HTMLElement} */ (form.querySelector("[role=status]"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const letter = boxes.find((box) => box.checked)?.value;
    if (!letter) {
      fill(said, "Choose an option first.");
      return;
    }
    keep("quiz", letter);
    fill(said, ...(explained.get(letter) ?? []).map((part) => part.cloneNode(true)));
  });
  form.addEventListener("change", () => fill(said)); // what stands there is about another option
  const before = boxes.find((box) => box.value === kept("quiz"));
  if (before) {
    before.checked = true; // without a word: a line more would move what stands below
  }
  form.querySelector("button")?.removeAttribute("disabled");
}

/**
 * The paragraphs that explain each option.
 *
 * @param {HTMLElement} answers
 */
function byLetter(answers) {
  /** @type {Map<string, Element[]>} */
  const explained = new Map();
  let letter = "";
  for (const part of answers.children) {
    const first = part.firstElementChild;
    if (first?.tagName === "STRONG" && LETTER.test(first.textContent ?? "") && part.firstChild === first) {
      letter = first.textContent ?? "";
    }
    if (letter) {
      explained.set(letter, [...(explained.get(letter) ?? []), part]);
    }
  }
  return explained;
}
