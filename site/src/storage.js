/** What the reader guessed and answered, in this browser only. */

const PREFIX = "rerank-course:";

/** @param {string} name one on this page */
const keyOf = (name) => `${PREFIX}${location.pathname.split("/").pop()}:${name}`;

/**
 * @param {string} name
 * @returns {string}
 */
export function kept(name) {
  try {
    return localStorage.getItem(keyOf(name)) ?? "";
  } catch {
    return ""; // storage is switched off
  }
}

/**
 * @param {string} name
 * @param {string} value empty to forget it
 */
export function keep(name, value) {
  try {
    if (value) {
      localStorage.setItem(keyOf(name), value);
    } else {
      localStorage.removeItem(keyOf(name));
    }
  } catch {
    // The page works without.
  }
}
