/** A quiz: choose an option, see what the lesson says of it. The explanations of all stay where they are. */

import { keep, kept } from "./storage.js";
import { fill, h } from "./ui.js";

const OPTION = /^([A-D])\.\s/;
const LETTER = /^[A-D]$/;

export function enlivenQuizzes() {
  for (const section of document.querySelectorAll("article section#quiz")) {
    const answers = section.querySelector(":scope > details");
    const texts = [...section.querySelectorAll(":scope > p")];
    const options = texts.filter((text) => OPTION.test(text.textContent ?? ""));
    if (answers && options.length > 1) {
      enliven(/** @type {HTMLElement[]} */ (options), /** @type {HTMLElement} */ (answers));
    }
  }
}

/**
 * @param {HTMLElement[]} options
 * @param {HTMLElement} answers
 */
function enliven(options, answers) {
  const explained = byLetter(answers);
  const boxes = options.map((option) => {
    const letter = option.textContent?.[0] ?? "";
    return h("input", { type: "radio", name: "quiz", value: letter, checked: kept("quiz") === letter });
  });
  const said = h("div", { role: "status", class: "live-explained" });
  const form = h("form", {
    class: "live live-quiz",
    onsubmit: (/** @type {Event} */ event) => {
      event.preventDefault();
      const letter = boxes.find((box) => box.checked)?.value;
      if (!letter) {
        fill(said, "Choose an option first.");
        return;
      }
      keep("quiz", letter);
      fill(said, ...(explained.get(letter) ?? []).map((part) => part.cloneNode(true)));
    },
  });
  form.addEventListener("change", () => fill(said)); // what stands there is about another option
  options[0].before(form);
  const labels = options.map((option, place) =>
    h("label", {}, boxes[place], h("span", {}, ...option.childNodes)),
  );
  options.forEach((option) => option.remove());
  form.append(
    h("fieldset", {}, h("legend", {}, "Your answer"), ...labels),
    h("button", { type: "submit" }, "See what is said of it"),
    said,
  );
  if (kept("quiz")) {
    fill(said, `You chose ${kept("quiz")} before; it is kept in this browser.`);
  }
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
