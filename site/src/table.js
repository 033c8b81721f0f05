/** A table that a phone shows with each row's name on a line of its own. */

import { clipped, h } from "./ui.js";

/** @typedef {import("./ui.js").Child} Child */

const LONGEST_NAME = 300; // characters; the rest of a longer one is folded away

/**
 * The roles are written out since browsers forget them where a style changes how a table is laid out.
 *
 * @param {string} caption
 * @param {string[]} names of the columns, the rows' names first
 * @param {{name: string, cells: Child[]}[]} rows
 * @returns {HTMLElement}
 */
export function table(caption, names, rows) {
  const heads = names.map((name) => h("th", { scope: "col", role: "columnheader" }, name));
  const lines = rows.map(({ name, cells }) =>
    h(
      "tr",
      { role: "row" },
      h("th", { scope: "row", role: "rowheader", dir: "auto" }, folded(name)),
      cells.map((cell) => h("td", { role: "cell" }, cell)),
    ),
  );
  const element = h(
    "table",
    { role: "table", class: names.length > 2 ? "live-stacks" : undefined },
    h("caption", {}, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads)),
    h("tbody", { role: "rowgroup" }, lines),
  );
  element.style.setProperty("--columns", String(names.length - 1));
  return element;
}

/**
 * What scrolls where a table is too wide, also by keyboard.
 *
 * @param {string} name
 * @param {string} [more] a class
 */
export function scroller(name, more = "") {
  return h("div", { class: `live-table ${more}`, role: "group", "aria-label": name, tabindex: 0 });
}

/** @param {string} name */
function folded(name) {
  const start = clipped(name, LONGEST_NAME);
  return start === name ? name : h("details", {}, h("summary", {}, start), name);
}
