/** Choose a model: what there is, against the reader's needs. Arithmetic only; nothing is loaded. */

import { advice, chosen } from "../choosing.js";
import { scroller, table } from "../table.js";
import { announcer, fill, h, labelled, slider, whenQuiet } from "../ui.js";

const LANGUAGES = { en: "English", zh: "Chinese", de: "German" };

/**
 * @param {HTMLElement} place
 * @param {{options: import("../choosing.js").Option[], notPromised: Record<string, string>}} settings
 */
export function start(place, { options, notPromised }) {
  /** @type {import("../choosing.js").Answers} */
  const answers = {
    language: "en",
    openWeights: false,
    mayLeave: false,
    gpu: false,
    candidates: 50,
    budget: 2,
    perPair: 0.1,
  };
  const status = announcer();
  const shown = scroller("The models", "live-reasons");
  const show = () => {
    fill(status, advice(options, notPromised, answers));
    fill(shown, asTable(chosen(options, notPromised, answers)));
  };
  const soon = whenQuiet(show, 150);
  place.append(...controls(answers, soon), status, shown);
  show();
}

/**
 * @param {import("../choosing.js").Answers} answers is changed as the reader changes a control
 * @param {() => void} changed
 */
function controls(answers, changed) {
  const set = (/** @type {Partial<import("../choosing.js").Answers>} */ change) => {
    Object.assign(answers, change);
    changed();
  };
  const options = Object.entries(LANGUAGES).map(([value, name]) => h("option", { value }, name));
  const language = h("select", { onchange: () => set({ language: language.value }) }, ...options);
  const tick = (/** @type {string} */ name, /** @type {(on: boolean) => void} */ then) => {
    const box = h("input", { type: "checkbox", onchange: () => then(box.checked) });
    return h("label", {}, box, ` ${name}`);
  };
  const ticks = h(
    "fieldset",
    {},
    h("legend", {}, "Where it may run"),
    tick("only open weights", (openWeights) => set({ openWeights })),
    tick("texts may go to a service", (mayLeave) => set({ mayLeave })),
    tick("there is a GPU", (gpu) => set({ gpu })),
  );
  const seconds = (/** @type {number} */ value) => `${value} s`;
  const [depth, time, pair] = [
    { min: 5, max: 200, step: 5, value: answers.candidates },
    { min: 0.1, max: 10, step: 0.1, value: answers.budget },
    { min: 0.01, max: 0.3, step: 0.01, value: answers.perPair },
  ];
  const sliders = [
    slider("Candidates for a query", depth, (candidates) => set({ candidates })),
    slider("Time for a query", time, (budget) => set({ budget }), seconds),
    slider("L-12 for a pair, on your machine", pair, (perPair) => set({ perPair }), seconds),
  ];
  return [labelled("Language", language), ticks, ...sliders.map((control) => control.field)];
}

/** @param {import("../choosing.js").Row[]} rows */
function asTable(rows) {
  return table(
    "The models, those that fit first; seconds for a query are estimates",
    ["Model", "Fits", "Seconds", "Why"],
    rows.map(({ name, fits, seconds, why }) => ({
      name,
      cells: [fits ? "yes" : "no", isNaN(seconds) ? "–" : seconds.toFixed(2), why],
    })),
  );
}
