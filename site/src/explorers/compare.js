/** Rank texts for a question by the cosine of the embedder and by the cross-encoder, side by side. */

import { engine } from "../engine/client.js";
import { stoppable } from "../latest.js";
import { loader } from "../loader.js";
import { bestFirst, dot, ranks } from "../ranking.js";
import { keep, kept } from "../storage.js";
import { scroller, table } from "../table.js";
import { announcer, clipped, counter, fill, fixed, h, labelled } from "../ui.js";

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
  const shown = scroller("Both rankings");
  shown.hidden = true;
  const show = (/** @type {Ranked | undefined} */ ranked) => {
    shown.hidden = !ranked;
    fill(shown, ranked && sideBySide(ranked));
  };
  ranker(place, settings, show, shown);
}

/**
 * The boxes, the button and the line that says what came out.
 *
 * @param {HTMLElement} place
 * @param {{query: string, documents: string[]}} settings
 * @param {(ranked?: Ranked) => void} show gets nothing when what is shown is no longer true
 * @param {HTMLElement} below what stands below the line
 */
export function ranker(place, settings, show, below) {
  const boxes = ownTexts(settings);
  const { query, texts } = boxes;
  const status = announcer();
  const say = (/** @type {string} */ message) => {
    show();
    fill(status, message);
  };
  const button = h("button", { type: "submit" }, "Rank");
  const { latest, buttons } = stoppable(button, () => say("Stopped."));
  const result = h("div", { tabindex: -1, class: "live-result", hidden: true }, buttons, status, below);

  const rankAll = () => {
    const lines = distinctLines(texts.value);
    const problem = whatIsWrong(query.value, lines);
    latest.stop();
    say(problem);
    if (!problem) {
      latest.run(
        (signal) => rank(query.value, lines, signal, counter(status)),
        (ranked) => {
          fill(status, ...inWords(ranked));
          show(ranked);
        },
        say,
      );
    }
  };
  boxes.forget.addEventListener("click", () => {
    latest.stop();
    say("");
  });
  const panel = loader(["reranker", "embedder"], () => {
    result.hidden = false;
    rankAll();
  });
  const onsubmit = (/** @type {Event} */ event) => {
    event.preventDefault();
    result.hidden || rankAll();
  };
  place.append(h("form", { onsubmit }, ...boxes.fields, panel, result));
}

/**
 * The two boxes. What is typed outlasts a reload, until the tab is closed or the reader has it forgotten.
 *
 * @param {{query: string, documents: string[]}} settings
 */
function ownTexts(settings) {
  const query = h("input", { type: "text", autocomplete: "off", name: "query", dir: "auto" });
  const texts = h("textarea", { rows: 10, name: "texts", dir: "auto" });
  const forget = h("button", { type: "button" }, "Forget my texts");
  const begin = () => {
    query.value = kept("query", "sessionStorage") || settings.query;
    texts.value = kept("texts", "sessionStorage") || settings.documents.join("\n");
    forget.hidden = !(kept("query", "sessionStorage") || kept("texts", "sessionStorage"));
  };
  for (const box of [query, texts]) {
    box.addEventListener("input", () => {
      keep(box.name, box.value, "sessionStorage");
      forget.hidden = false;
    });
  }
  forget.addEventListener("click", () => {
    keep("query", "", "sessionStorage");
    keep("texts", "", "sessionStorage");
    begin();
    query.focus();
  });
  begin();
  const fields = [labelled("Question", query), labelled("Texts, one a line", texts)];
  return { query, texts, forget, fields: [...fields, h("div", { class: "live-buttons" }, forget)] };
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
  const other = cosine === cross ? [] : ["; cosine: ", ...short(texts[cosine])];
  const count = texts.length === 1 ? "1 text" : `${texts.length} texts`;
  return [`${count} ranked. ${both}. Cross-encoder: `, ...short(texts[cross]), ...other];
}

/** @param {string} text */
function short(text) {
  return ["“", h("bdi", {}, clipped(text, 70)), "”"];
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
