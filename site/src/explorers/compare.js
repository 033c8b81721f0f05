/** Rank texts for a question by the cosine of the embedder and by the cross-encoder, side by side. */

import { engine } from "../engine/client.js";
import { Latest } from "../latest.js";
import { loader } from "../loader.js";
import { bestFirst, dot, ranks } from "../ranking.js";
import { table } from "../table.js";
import { announcer, fill, fixed, h, labelled } from "../ui.js";

export const MOST_TEXTS = 50;

/**
 * @typedef {object} Ranked
 * @property {string} query
 * @property {string[]} texts
 * @property {number[]} cosines
 * @property {number[]} logits
 */

/** @typedef {{name: string, values: (string | number)[]}} Column one value for each text */

/**
 * @param {HTMLElement} place
 * @param {{query: string, documents: string[]}} settings
 */
export function start(place, settings) {
  const shown = h("div", { class: "live-table" });
  ranker(place, settings, (ranked) => fill(shown, sideBySide(ranked)), [shown]);
}

/**
 * The boxes, the button and the line that says what came out.
 *
 * @param {HTMLElement} place
 * @param {{query: string, documents: string[]}} settings
 * @param {(ranked: Ranked) => void} show
 * @param {HTMLElement[]} below what stands below the line
 */
export function ranker(place, settings, show, below) {
  const query = h("input", { type: "text", value: settings.query, autocomplete: "off", name: "query" });
  const texts = h("textarea", { rows: 10, value: settings.documents.join("\n"), name: "texts" });
  const status = announcer();
  const stop = h("button", { type: "button", hidden: true }, "Stop");
  const button = h("button", { type: "submit" }, "Rank");
  const buttons = h("div", { class: "live-buttons" }, button, stop);
  const result = h("div", { tabindex: -1, class: "live-result", hidden: true }, buttons, status, ...below);
  const latest = new Latest();

  const end = () => {
    if (stop === document.activeElement) {
      button.focus();
    }
    stop.hidden = true;
  };
  const rankAll = () => {
    const lines = distinctLines(texts.value);
    const problem = whatIsWrong(query.value, lines);
    if (problem) {
      latest.stop();
      end();
      status.textContent = problem;
      return;
    }
    stop.hidden = false;
    latest.run(
      (signal) => rank(query.value, lines, signal, (done, total) => fill(status, `${done} of ${total} …`)),
      (ranked) => {
        end();
        fill(status, inWords(ranked));
        show(ranked);
      },
      (message) => {
        end();
        fill(status, message);
      },
    );
  };
  stop.addEventListener("click", () => {
    latest.stop();
    end();
    status.textContent = "Stopped.";
  });
  const panel = loader(["reranker", "embedder"], () => {
    result.hidden = false;
    rankAll();
  });
  const form = h(
    "form",
    { onsubmit: (/** @type {Event} */ event) => (event.preventDefault(), result.hidden || rankAll()) },
    labelled("Question", query),
    labelled("Texts, one a line", texts),
    panel,
    result,
  );
  place.append(form);
}

/** @param {string} text */
function distinctLines(text) {
  return [...new Set(text.split("\n").map((line) => line.trim()))].filter(Boolean);
}

/**
 * @param {string} query
 * @param {string[]} lines
 */
function whatIsWrong(query, lines) {
  if (!query.trim()) {
    return "The question is empty. Type one.";
  }
  if (!lines.length) {
    return "There are no texts. Type at least one, each on its own line.";
  }
  return lines.length > MOST_TEXTS
    ? `These are ${lines.length} texts. A page ranks up to ${MOST_TEXTS} at once: take some out.`
    : "";
}

/**
 * @param {string} query
 * @param {string[]} texts
 * @param {AbortSignal} signal
 * @param {(done: number, total: number) => void} onProgress
 * @returns {Promise<Ranked>}
 */
async function rank(query, texts, signal, onProgress) {
  const total = 2 * texts.length + 1;
  const [asked, ...vectors] = await engine.embed([query, ...texts], {
    signal,
    onProgress: (done) => onProgress(done, total),
  });
  /** @type {[string, string][]} */
  const pairs = texts.map((text) => [query, text]);
  const logits = await engine.score(pairs, {
    signal,
    onProgress: (done) => onProgress(texts.length + 1 + done, total),
  });
  return { query, texts, cosines: vectors.map((vector) => dot(asked, vector)), logits };
}

/** @param {Ranked} ranked */
function inWords({ texts, cosines, logits }) {
  const [cosine, cross] = [bestFirst(cosines)[0], bestFirst(logits)[0]];
  const both = cosine === cross ? "Both put the same text first" : "They differ on the first place";
  const other = cosine === cross ? "" : `; cosine: ${short(texts[cosine])}`;
  return `${texts.length} texts ranked. ${both}. Cross-encoder: ${short(texts[cross])}${other}`;
}

/** @param {string} text */
function short(text) {
  return `“${text.length > 70 ? `${text.slice(0, 69)}…` : text}”`;
}

/**
 * The table of both rankings, the cross-encoder's best text first.
 *
 * @param {Ranked} ranked
 * @param {Column[]} [more] further columns
 */
export function sideBySide({ texts, cosines, logits }, more = []) {
  const order = bestFirst(logits);
  const [byCosine, byCross] = [ranks(bestFirst(cosines)), ranks(order)];
  const moved = (/** @type {number} */ text) => byCosine[text] - byCross[text];
  /** @type {Column[]} */
  const columns = [
    { name: "Cross-encoder rank", values: byCross },
    { name: "Logit", values: logits.map((score) => fixed(score)) },
    { name: "Cosine rank", values: byCosine },
    { name: "Cosine", values: cosines.map((score) => fixed(score)) },
    { name: "Moved", values: texts.map((_, text) => (moved(text) > 0 ? "+" : "") + fixed(moved(text), 0)) },
    ...more,
  ];
  return table(
    "Both rankings. Moved: places gained from the cosine to the cross-encoder.",
    ["Text", ...columns.map((column) => column.name)],
    order.map((text) => ({ name: texts[text], cells: columns.map((column) => column.values[text]) })),
  );
}
