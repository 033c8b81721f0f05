/** Move the model's limit, and see what it reads of a long document. */

import { engine } from "../engine/client.js";
import { LIMIT } from "../engine/protocol.js";
import { Latest, marksOld } from "../latest.js";
import { loader } from "../loader.js";
import { announcer, fill, fixed, h, labelled, slider, whenQuiet } from "../ui.js";

const SHORTEST = 32;
const STEP = 16;

/** @typedef {import("../engine/protocol.js").Reading} Reading */

/**
 * @param {HTMLElement} place
 * @param {{query: string, document: string, answer: string}} settings
 */
export function start(place, settings) {
  const query = h("input", { type: "text", value: settings.query, autocomplete: "off", dir: "auto" });
  const status = announcer();
  const box = { class: "live-text", dir: "auto", tabindex: 0, role: "region", "aria-label": "The document" };
  const shown = h("div", box);
  const result = h("div", { tabindex: -1, class: "live-result", hidden: true }, status, shown);
  const old = marksOld(status, shown);
  const latest = new Latest(old);
  let limit = LIMIT;
  const failed = (/** @type {string} */ message) => {
    fill(status, message);
    fill(shown, ...paragraphs(settings.document));
  };

  const read = () => {
    if (!query.value.trim()) {
      latest.stop();
      failed("The query is empty. Type some text: a score needs a query and a document.");
      return;
    }
    latest.run(
      (signal) => engine.read(query.value, settings.document, limit, { signal }),
      (reading) => {
        fill(status, ...inWords(reading, settings));
        fill(shown, ...marked(reading, settings));
        const cut = shown.querySelector("del");
        shown.scrollTop = cut ? cut.offsetTop - shown.clientHeight / 2 : 0; // the edge is in the middle
      },
      failed,
    );
  };
  const soon = whenQuiet(() => result.hidden || read());
  const changed = () => {
    latest.stop();
    old(true);
    soon();
  };
  const range = { min: SHORTEST, max: LIMIT, step: STEP, value: LIMIT };
  const control = slider("Most tokens that the model reads (max_length)", range, (value) => {
    limit = value;
    changed();
  });
  query.addEventListener("input", changed);
  const panel = loader(["reranker"], () => {
    result.hidden = false;
    read();
  });
  fill(shown, ...paragraphs(settings.document));
  place.append(labelled("Query", query), control.field, panel, result);
}

/**
 * @param {Reading} reading
 * @param {{document: string, answer: string}} settings
 */
function inWords(reading, { document, answer }) {
  const isRead = document.slice(0, reading.documentEnd).includes(answer);
  return [
    "Score ",
    h("strong", { class: "live-score" }, fixed(reading.score)),
    `. ${reading.queryPieces} tokens of the query and ${reading.documentPieces} of the document are read. `,
    isRead ? "The answer is read." : h("strong", {}, "The answer is not read in full."),
  ];
}

/**
 * The document: what is cut is struck through, the answer bold.
 *
 * @param {Reading} reading
 * @param {{document: string, answer: string}} settings
 */
function marked({ documentEnd }, { document, answer }) {
  const start = document.indexOf(answer);
  const places = start < 0 ? [] : [start, start + answer.length];
  const edges = [...new Set([0, documentEnd, ...places, document.length])].sort((a, b) => a - b);
  return edges.slice(1).map((end, number) => {
    const text = document.slice(edges[number], end);
    const inside = start >= 0 && edges[number] >= start && end <= start + answer.length;
    const part = inside ? [h("strong", {}, ...paragraphs(text))] : paragraphs(text);
    return edges[number] >= documentEnd ? h("del", {}, ...part) : h("span", {}, ...part);
  });
}

/** @param {string} text */
function paragraphs(text) {
  return text.split("\n").flatMap((line, number) => (number ? [h("br"), line] : [line]));
}
