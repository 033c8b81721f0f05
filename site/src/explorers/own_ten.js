/** Bring your own ten: both rankings, their mix, and the words on which a score depends. */

import { engine } from "../engine/client.js";
import { Latest } from "../latest.js";
import { bestFirst, mixed, ranks, withoutEach } from "../ranking.js";
import { table } from "../table.js";
import { announcer, fill, fixed, h, labelled, slider } from "../ui.js";
import { ranker, sideBySide } from "./compare.js";

/** @typedef {import("./compare.js").Ranked} Ranked */

const HALF = 0.5;

/**
 * @param {HTMLElement} place
 * @param {{query: string, documents: string[]}} settings
 */
export function start(place, settings) {
  /** @type {Ranked | undefined} */
  let ranked;
  let weight = HALF;
  const shown = h("div", { class: "live-table" });
  const draw = () => {
    if (ranked) {
      fill(shown, sideBySide(ranked, [mixColumn(ranked, weight)]));
    }
  };
  const changed = (/** @type {number} */ value) => {
    weight = value;
    draw();
  };
  const range = { min: 0, max: 1, step: 0.1, value: HALF };
  const mix = slider("The cross-encoder’s weight in the mix", range, changed, (value) => value.toFixed(1));
  const words = wordWorth();
  const more = h("div", { hidden: true }, mix.field, shown, words.section);
  ranker(
    place,
    settings,
    (now) => {
      ranked = now;
      more.hidden = false;
      draw();
      words.offer(now);
    },
    [more],
  );
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
  const latest = new Latest();
  /** @type {Ranked} */
  let ranked;

  button.addEventListener("click", () => {
    const pair = { query: ranked.query, document: ranked.texts[Number(chosen.value)] };
    const isQuery = of.value === "query";
    const { words, shorter } = withoutEach(isQuery ? pair.query : pair.document);
    if (words.length < 2) {
      status.textContent = "This has one word only; leaving one out needs at least two.";
      fill(shown);
      return;
    }
    /** @type {[string, string][]} */
    const pairs = shorter.map((text) => (isQuery ? [text, pair.document] : [pair.query, text]));
    latest.run(
      (signal) => worth(pair, pairs, signal, (done) => fill(status, `${done} of ${pairs.length + 1} …`)),
      (values) => {
        fill(status, ...most(words, values));
        fill(shown, ...asWords(words, values), wordTable(words, values));
      },
      (message) => fill(status, message),
    );
  });
  const section = h(
    "div",
    { class: "live-part" },
    h("p", { class: "live-subtitle" }, "Which words matter to the cross-encoder?"),
    labelled("Text", chosen),
    labelled("Leave out words of", of),
    h("div", { class: "live-buttons" }, button),
    status,
    shown,
  );
  const offer = (/** @type {Ranked} */ now) => {
    ranked = now;
    latest.stop();
    fill(status);
    fill(shown);
    const option = (/** @type {number} */ text) => h("option", { value: text }, now.texts[text].slice(0, 80));
    fill(chosen, ...bestFirst(now.logits).map(option));
  };
  return { section, offer };
}

/**
 * What the score loses without each word.
 *
 * @param {{query: string, document: string}} whole
 * @param {[string, string][]} pairs
 * @param {AbortSignal} signal
 * @param {(done: number) => void} onProgress
 */
async function worth({ query, document }, pairs, signal, onProgress) {
  const [score, ...without] = await engine.score([[query, document], ...pairs], { signal, onProgress });
  return without.map((value) => score - value);
}

/**
 * @param {string[]} words
 * @param {number[]} values
 */
function most(words, values) {
  const best = values.indexOf(Math.max(...values));
  return [`Without “${words[best]}” the score loses most: `, h("strong", {}, fixed(values[best])), "."];
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
  return [h("p", { "aria-hidden": "true", class: "live-marked" }, ...parts), h("p", {}, legend)];
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
  return h("details", {}, h("summary", {}, "The numbers"), h("div", { class: "live-table" }, shown));
}
