/** What the reader guessed, answered and typed, in this browser only. */

/** @typedef {"localStorage" | "sessionStorage"} Store the second forgets when the tab is closed */

/** Also without a store, or when it is full: as long as the page is open. @type {Map<string, string>} */
const here = new Map();

/** @param {string} name one on this page; the path keeps two copies of the site apart */
const keyOf = (name) => `rerank-course:${location.pathname}:${name}`;

/**
 * @param {string} name
 * @param {Store} [store]
 * @returns {string}
 */
export function kept(name, store = "localStorage") {
  try {
    return here.get(keyOf(name)) ?? globalThis[store].getItem(keyOf(name)) ?? "";
  } catch {
    return ""; // storage is switched off
  }
}

/**
 * @param {string} name
 * @param {string} value empty to forget it
 * @param {Store} [store]
 * @returns {boolean} whether the browser keeps it
 */
export function keep(name, value, store = "localStorage") {
  here.set(keyOf(name), value);
  try {
    if (value) {
      globalThis[store].setItem(keyOf(name), value);
    } else {
      globalThis[store].removeItem(keyOf(name));
    }
    return true;
  } catch {
    return false;
  }
}
