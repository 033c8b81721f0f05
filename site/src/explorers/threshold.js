/** Move a threshold, and see what it lets through: on pairs that it was tuned on, and on others. */

import { scroller, table } from "../table.js";
import { atThreshold, f1ByThreshold } from "../thresholds.js";
import { announcer, fill, fixed, h, slider, whenQuiet } from "../ui.js";

/** @typedef {import("../thresholds.js").Group} Group */

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT] = [600, 220];
const STEPS = 100;

/**
 * @param {HTMLElement} place
 * @param {{groups: Group[], threshold: number}} settings
 */
export function start(place, { groups, threshold }) {
  const every = groups.flatMap((group) => group.scores);
  const step = (Math.ceil(Math.max(...every)) - Math.floor(Math.min(...every))) / STEPS;
  // The threshold that was tuned is one of the slider's steps.
  const low = rounded(threshold - step * Math.ceil((threshold - Math.min(...every)) / step));
  const high = Math.ceil(Math.max(...every));
  const mark = line([], "live-mark");
  const chart = drawn(groups, low, high, mark);
  const status = announcer();
  const shown = scroller("What this threshold lets through");
  const say = whenQuiet(() => fill(status, inWords(groups, threshold)));
  const show = () => {
    const x = (WIDTH * (threshold - low)) / (high - low);
    mark.setAttribute("points", `${x},0 ${x},${HEIGHT}`);
    fill(shown, asTable(groups, threshold));
  };
  const range = { min: low, max: high, step, value: threshold };
  const changed = (/** @type {number} */ value) => {
    threshold = rounded(value);
    show();
    say();
  };
  const control = slider("Threshold, as a logit", range, changed, (value) => fixed(value));
  const ends = h("div", { class: "live-ends" }, h("span", {}, fixed(low, 0)), h("span", {}, fixed(high, 0)));
  place.append(control.field, chart, ends, legend(groups), status, shown);
  show();
}

/**
 * As exact as a score is, without what a sum of steps adds to it.
 *
 * @param {number} value
 */
function rounded(value) {
  return Number(value.toFixed(6));
}

/**
 * @param {number[][]} points
 * @param {string} name
 */
function line(points, name) {
  const element = document.createElementNS(SVG, "polyline");
  element.setAttribute("points", points.map((point) => point.join(",")).join(" "));
  element.setAttribute("class", name);
  return element;
}

/**
 * F1 against the threshold, a line for each group.
 *
 * @param {Group[]} groups
 * @param {number} low
 * @param {number} high
 * @param {SVGElement} mark
 */
function drawn(groups, low, high, mark) {
  const svg = document.createElementNS(SVG, "svg");
  const told = [];
  for (const [number, group] of groups.entries()) {
    const curve = f1ByThreshold(group);
    const place = ([x, y] = [0, 0]) => [
      Math.round((WIDTH * (x - low)) / (high - low)),
      Math.round(HEIGHT * (1 - y)),
    ];
    svg.append(line(curve.map(place), `live-line live-line-${number}`));
    const best = curve.reduce((one, other) => (other[1] > one[1] ? other : one));
    const most = `at best ${fixed(best[1])} at ${fixed(best[0])}`;
    told.push(`${group.name}: ${fixed(curve[0][1])} if everything passes, ${most}`);
  }
  svg.append(mark);
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "live-chart");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `F1, from 0 to 1, against the threshold. ${told.join(". ")}.`);
  return svg;
}

/** @param {Group[]} groups */
function legend(groups) {
  const entries = groups.map((group, number) => {
    const svg = document.createElementNS(SVG, "svg");
    svg.append(line([[0, 5], [40, 5]], `live-line live-line-${number}`));
    svg.setAttribute("class", "live-key");
    svg.setAttribute("viewBox", "0 0 40 10");
    svg.setAttribute("aria-hidden", "true");
    return h("li", {}, svg, ` ${group.name}`);
  });
  const title = h("p", {}, "F1, from 0 at the bottom to 1 at the top, against the threshold:");
  return h("div", { class: "live-legend" }, title, h("ul", {}, ...entries));
}

/**
 * @param {Group[]} groups
 * @param {number} threshold
 */
function inWords(groups, threshold) {
  const parts = groups.map((group) => `${group.name} ${fixed(atThreshold(group, threshold).f1)}`);
  return `F1 at ${fixed(threshold)}: ${parts.join("; ")}.`;
}

/**
 * @param {Group[]} groups
 * @param {number} threshold
 */
function asTable(groups, threshold) {
  const rows = groups.map((group) => {
    const { passes, precision, recall, f1 } = atThreshold(group, threshold);
    return { name: group.name, cells: [passes, precision, recall, f1].map((value) => fixed(value)) };
  });
  const caption = "What this threshold lets through, as shares";
  return table(caption, ["Pairs", "Passes", "Precision", "Recall", "F1"], rows);
}
