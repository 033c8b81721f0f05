/** Bring your own ten: both rankings, their mix, and the words on which a score depends. */

import { engine } from "../engine/client.js";
import { stoppable } from "../latest.js";
import { bestFirst, mixed, ranks, without } from "../ranking.js";
import { scroller, table } from "../table.js";
import { announcer, clipped, counter, fill, fixed, h, labelled, slider } from "../ui.js";
import { ranker, sideBySide } from "./compare.js";

/** @typedef {import("./compare.js").Ranked} Ranked */

const HALF = 0.5;
const MOST_WORDS = 400; // about what the model reads of a text

/**
 * @param {HTMLElement} place
 * @param {{query: string, documents: string[]}} settings
 */
export function start(place, settings) {
  /** @type {Ranked | undefined} */
  let ranked;
  let weight = HALF;
  const shown = scroller("Both rankings and their mix");
  const draw = () => fill(shown, ranked && sideBySide(ranked, [mixColumn(ranked, weight)]));
  const changed = (/** @type {number} */ value) => {
    weight = value;
    draw();
  };
  const range = { min: 0, max: 1, step: 0.1, value: HALF };
  const mix = slider("The cross-encoder’s weight in the mix", range, changed, (value) => value.toFixed(1));
  const words = wordWorth();
  const more = h("div", { hidden: true }, mix.field, shown, words.section);
  const show = (/** @type {Ranked | undefined} */ now) => {
    ranked = now;
    more.hidden = !now;
    draw();
    words.offer(now);
  };
  ranker(place, settings, show, more);
}

/**
 * @param {Ranked} ranked
 * @param {number} weight
 */
function mixColumn({ cosines, logits }, weight) {
  return { name: "Mix rank", values: ranks(mixed(cosines, logits, weight)) };
}

/** The part that leaves out one word after another. */
function wordWorth() {
  const chosen = h("select", { name: "text" });
  const of = h("select", { name: "of" }, h("option", { value: "document" }, "the text"));
  of.append(h("option", { value: "query" }, "the question"));
  const button = h("button", { type: "button" }, "Leave out each word");
  const status = announcer();
  const shown = h("div", { class: "live-words" });
  const say = (/** @type {string} */ message) => {
    fill(status, message);
    fill(shown);
  };
  const { latest, buttons } = stoppable(button, () => say("Stopped."));
  const clear = () => {
    latest.stop();
    say("");
  };
  /** @type {Ranked | undefined} */
  let ranked;

  button.addEventListener("click", () => {
    const [query, document] = [ranked?.query ?? "", ranked?.texts[Number(chosen.value)] ?? ""];
    const isQuery = of.value === "query";
    const words = (isQuery ? query : document).trim().split(/\s+/);
    const problem = whatIsWrong(words.length);
    clear();
    say(problem);
    if (!problem) {
      /** @type {(text: string) => [string, string]} */
      const pair = (text) => (isQuery ? [text, document] : [query, text]);
      latest.run(
        (signal) => worth(words, pair, signal, counter(status)),
        (values) => {
          fill(status, ...most(words, values));
          fill(shown, ...asWords(words, values), wordTable(words, values));
        },
        say,
      );
    }
  });
  chosen.addEventListener("change", clear); // what is shown is about another text
  of.addEventListener("change", clear);
  const section = h(
    "div",
    { class: "live-part" },
    h("p", { class: "live-subtitle" }, "Which words matter to the cross-encoder?"),
    labelled("Text", chosen),
    labelled("Leave out words of", of),
    buttons,
    status,
    shown,
  );
  const offer = (/** @type {Ranked | undefined} */ now) => {
    ranked = now;
    clear();
    fill(chosen, ...(now ? choices(now) : []));
  };
  return { section, offer };
}

/** @param {Ranked} ranked */
function choices({ texts, logits }) {
  const option = (/** @type {number} */ text) =>
    h("option", { value: text, dir: "auto" }, clipped(texts[text], 80));
  return bestFirst(logits).map(option);
}

/** @param {number} words how many there are */
function whatIsWrong(words) {
  if (words < 2) {
    return "This has one word only; leaving one out needs at least two.";
  }
  return words > MOST_WORDS
    ? `These are ${words} words. A page does this for up to ${MOST_WORDS}: shorten it, and rank again.`
    : "";
}

/**
 * What the score loses without each word. A shorter text is made when it is its turn.
 *
 * @param {string[]} words
 * @param {(text: string) => [string, string]} pair
 * @param {AbortSignal} signal
 * @param {(done: number, total: number) => void} onProgress
 */
async function worth(words, pair, signal, onProgress) {
  const score = async (/** @type {string} */ text) => (await engine.score([pair(text)], { signal }))[0];
  const whole = await score(words.join(" "));
  const values = [];
  for (const place of words.keys()) {
    values.push(whole - (await score(without(words, place))));
    onProgress(values.length, words.length);
  }
  return values;
}

/**
 * @param {string[]} words
 * @param {number[]} values
 */
function most(words, values) {
  const loss = Math.max(...values);
  if (loss <= 0) {
    return ["The score falls without no single word: it stays, or rises."];
  }
  const word = h("bdi", {}, words[values.indexOf(loss)]);
  return ["Without “", word, "” the score loses most: ", h("strong", {}, fixed(loss)), "."];
}

/**
 * The text, each word underlined as much as it is worth. The numbers stand in the table.
 *
 * @param {string[]} words
 * @param {number[]} values
 */
function asWords(words, values) {
  const largest = Math.max(...values.map(Math.abs), 1e-9);
  const parts = words.flatMap((word, place) => {
    const share = Math.abs(values[place]) / largest;
    const mark = h("span", { class: values[place] < 0 ? "live-word live-lowers" : "live-word" }, word);
    mark.style.setProperty("--share", share.toFixed(2));
    return [mark, " "];
  });
  const legend = "The thicker its line, the more the score loses without a word; dotted: the score rises.";
  return [h("p", { "aria-hidden": "true", class: "live-marked", dir: "auto" }, ...parts), h("p", {}, legend)];
}

/**
 * @param {string[]} words
 * @param {number[]} values
 */
function wordTable(words, values) {
  const shown = table(
    "Each word left out in turn, and what the score loses by it",
    ["Word", "Loss of score"],
    words.map((word, place) => ({ name: word, cells: [fixed(values[place])] })),
  );
  const box = scroller("Words and their numbers");
  box.append(shown);
  return h("details", {}, h("summary", {}, "The numbers"), box);
}
