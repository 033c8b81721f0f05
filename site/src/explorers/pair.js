/** Score a pair that the reader types: the logit, the same after a sigmoid, and the model's word pieces. */

import { engine } from "../engine/client.js";
import { LIMIT } from "../engine/protocol.js";
import { Latest, marksOld } from "../latest.js";
import { loader } from "../loader.js";
import { announcer, fill, fixed, h, labelled, whenQuiet } from "../ui.js";

const LABELS = ["query", "document"];

/**
 * @param {HTMLElement} place
 * @param {{query: string, document: string}} settings
 */
export function start(place, settings) {
  const query = h("input", { type: "text", value: settings.query, autocomplete: "off", dir: "auto" });
  const document = h("textarea", { rows: 5, value: settings.document, dir: "auto" });
  const status = announcer();
  const pieces = h("div", { class: "live-pieces" });
  const details = h("details", {}, h("summary", {}, "The word pieces that the model reads"), pieces);
  const result = h("div", { tabindex: -1, class: "live-result", hidden: true }, status, details);
  const old = marksOld(status, pieces);
  const latest = new Latest(old);

  const score = () => {
    const texts = [query.value, document.value];
    const empty = texts.findIndex((text) => !text.trim());
    if (empty >= 0) {
      latest.stop();
      status.textContent = `The ${LABELS[empty]} is empty. Type some text: a score needs both.`;
      fill(pieces);
      return;
    }
    latest.run(
      (signal) => engine.read(texts[0], texts[1], LIMIT, { signal }),
      (reading) => {
        fill(status, ...inWords(reading));
        fill(pieces, ...asChips(reading));
      },
      (message) => {
        fill(status, message);
        fill(pieces);
      },
    );
  };
  const soon = whenQuiet(() => result.hidden || score());
  const typed = () => {
    latest.stop();
    old(true);
    soon();
  };
  query.addEventListener("input", typed);
  document.addEventListener("input", typed);
  const panel = loader(["reranker"], () => {
    result.hidden = false;
    score();
  });
  place.append(labelled("Query", query), labelled("Document", document), panel, result);
}

/** @param {import("../engine/protocol.js").Reading} reading */
function inWords({ score, wanted }) {
  const sigmoid = 1 / (1 + Math.exp(-score));
  const cut = wanted - LIMIT;
  const length = cut > 0 ? `; ${cut} are cut off.` : ".";
  return [
    "Logit ",
    h("strong", { class: "live-score" }, fixed(score)),
    `, after a sigmoid ${sigmoid.toFixed(4)}. ${wanted} tokens of at most ${LIMIT}${length}`,
  ];
}

/** @param {import("../engine/protocol.js").Reading} reading */
function asChips({ pieces }) {
  return pieces.map((piece) => h("code", {}, piece));
}
