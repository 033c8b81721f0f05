/** What the reader guessed, answered and typed, in this browser only. */

/** @typedef {"localStorage" | "sessionStorage"} Store the second forgets when the tab is closed */

/** Also without a store, or when it is full: as long as the page is open. @type {Map<string, string>} */
const here = new Map();

const OURS = `rerank-course:${new URL("../../", import.meta.url).pathname}`; // all of this copy of the site

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

/**
 * Forget what all of the site's pages keep.
 *
 * @returns {number} how many guesses, answers and texts that were
 */
export function forgetAll() {
  let count = 0;
  here.clear();
  try {
    for (const store of [localStorage, sessionStorage]) {
      const ours = Object.keys(store).filter((key) => key.startsWith(OURS));
      ours.forEach((key) => store.removeItem(key));
      count += ours.length;
    }
  } catch {
    // Storage is switched off, and holds nothing.
  }
  return count;
}
