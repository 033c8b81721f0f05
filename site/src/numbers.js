/** What `rerank_course.lab.guess` does with a guess: read a number, and say how far off it was. */

const NUMBER = /^([+-]?)(\d+(?:[.,]\d+)?|[.,]\d+)(e[+-]?\d+)?\s*(%?)$/i;
const TWO_MEANINGS = /^[+-]?[1-9]\d{0,2},\d{3}\s*%?$/; // 1,234: a thousand, or one and a bit
const DIGITS = 12; // so that 0.3 − 0.1 is shown as 0.2

/**
 * @param {string} text
 * @returns {{value: number, percent: boolean} | null} null where it is no number, or one with two meanings
 */
export function parsed(text) {
  const plain = text.trim().replace("−", "-");
  const found = NUMBER.exec(plain);
  if (!found || TWO_MEANINGS.test(plain)) {
    return null;
  }
  const [, sign, digits, power, percent] = found;
  return { value: Number(sign + digits.replace(",", ".") + (power ?? "")), percent: Boolean(percent) };
}

/**
 * How far a guess was off, in brackets; empty where that cannot be said.
 *
 * @param {string} guess
 * @param {string} measured
 * @param {boolean} isChoice
 */
export function howFar(guess, measured, isChoice) {
  if (isChoice) {
    return guess === measured ? " (the same)" : " (not the same)";
  }
  const [mine, real] = [parsed(guess), parsed(measured.replace(/\s*[a-zA-Z]+$/, ""))];
  if (!mine || !real) {
    return "";
  }
  const scale = mine.percent && !real.percent && Math.abs(real.value) <= 1 ? 100 : 1;
  const off = Number((mine.value / scale - real.value).toPrecision(DIGITS));
  return off ? ` (${Math.abs(off)} too ${off > 0 ? "high" : "low"})` : " (the same)";
}
