/** Small helpers to build what a page shows. */

/** @typedef {string | number | Node | null | undefined | false} Child */

let ids = 0;

/** A new id, unique on the page. */
export function newId() {
  ids += 1;
  return `live-${ids}`;
}

/**
 * An element with attributes and children. An attribute that is false or undefined is left out; "on…"
 * attributes are listeners.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), value);
    } else if (name === "value") {
      /** @type {any} */ (element).value = value;
    } else if (value !== false && value !== undefined && value !== null) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  fill(element, ...children);
  return element;
}

/**
 * Replace what an element holds.
 *
 * @param {Element} element
 * @param {...(Child | Child[])} children
 */
export function fill(element, ...children) {
  const shown = children.flat().filter((child) => child !== null && child !== undefined && child !== false);
  element.replaceChildren(...shown.map((child) => (child instanceof Node ? child : String(child))));
}

/**
 * A control with its label above it.
 *
 * @template {HTMLElement} Control
 * @param {string} label
 * @param {Control} control
 * @returns {HTMLDivElement}
 */
export function labelled(label, control) {
  control.id = control.id || newId();
  return h("div", { class: "live-field" }, h("label", { for: control.id }, label), control);
}

/**
 * A slider whose value stands beside its label.
 *
 * @param {string} label
 * @param {{min: number, max: number, step: number, value: number}} range
 * @param {(value: number) => void} changed is called while the slider moves
 * @param {(value: number) => string} [shown] the value as text
 */
export function slider(label, range, changed, shown = String) {
  const output = h("span", { class: "live-value", "aria-hidden": "true" });
  const input = h("input", {
    type: "range",
    min: range.min,
    max: range.max,
    step: range.step,
    id: newId(),
  });
  input.value = String(range.value); // after its limits, or it is cut to the usual ones
  const tell = () => {
    output.textContent = shown(input.valueAsNumber);
    input.setAttribute("aria-valuetext", shown(input.valueAsNumber));
  };
  input.addEventListener("input", () => {
    tell();
    changed(input.valueAsNumber);
  });
  tell();
  const name = h("label", { for: input.id }, `${label} `);
  const field = h("div", { class: "live-field" }, h("span", {}, name, output), input);
  return { field, input };
}

/** A place whose changes a screen reader says. */
export function announcer() {
  return h("p", { role: "status", class: "live-status" });
}

/**
 * A count that a screen reader hears at the first and then at each quarter.
 *
 * @param {HTMLElement} status
 * @returns {(done: number, total: number) => void}
 */
export function counter(status) {
  let told = -1;
  return (done, total) => {
    const quarter = Math.floor((4 * done) / total);
    if (quarter !== told) {
      told = quarter;
      fill(status, `${done} of ${total} …`);
    }
  };
}

/**
 * The beginning of a text; no character is cut in half.
 *
 * @param {string} text
 * @param {number} most characters
 */
export function clipped(text, most) {
  const characters = [...text.slice(0, 2 * most + 2)]; // a character is at most two units long
  return characters.length > most ? `${characters.slice(0, most - 1).join("")}…` : text;
}

/**
 * Call a function when nothing has happened for a while.
 *
 * @param {() => void} action
 * @param {number} [milliseconds]
 */
export function whenQuiet(action, milliseconds = 350) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  };
}

/**
 * A number as the lessons print it, with a real minus sign.
 *
 * @param {number} value
 * @param {number} digits
 */
export function fixed(value, digits = 2) {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}
