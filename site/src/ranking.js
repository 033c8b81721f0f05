/** Rankings, their mix, and what a word is worth: the arithmetic of the course's Python, without a page. */

const ROUNDING = 1e12; // decimals of a mixed score: two texts on which both sides disagree alike are a tie
const SAME = 1e-12;

/**
 * Places in the order of falling scores; equal scores keep the order that is given.
 *
 * @param {number[]} scores
 * @param {number[]} [order] places in the order that ties keep
 * @returns {number[]}
 */
export function bestFirst(scores, order = scores.map((_, place) => place)) {
  return [...order].sort((a, b) => scores[b] - scores[a]);
}

/**
 * The rank, 1 being the best, of each place.
 *
 * @param {number[]} order
 * @returns {number[]}
 */
export function ranks(order) {
  const result = new Array(order.length);
  order.forEach((place, rank) => (result[place] = rank + 1));
  return result;
}

/**
 * @param {number[]} one
 * @param {number[]} other
 */
export function dot(one, other) {
  return one.reduce((sum, value, place) => sum + value * other[place], 0);
}

/**
 * Scores less their mean, in standard deviations; equal scores give 0.
 *
 * @param {number[]} scores
 * @returns {number[]}
 */
export function zScores(scores) {
  const largest = Math.max(...scores.map(Math.abs));
  const scaled = scores.map((score) => (largest > 0 ? score / largest : score));
  if (Math.max(...scaled) - Math.min(...scaled) <= SAME) {
    return scores.map(() => 0);
  }
  const mean = scaled.reduce((sum, score) => sum + score, 0) / scaled.length;
  const centred = scaled.map((score) => score - mean);
  const deviation = Math.sqrt(dot(centred, centred) / centred.length);
  return centred.map((score) => score / deviation);
}

/**
 * The order by a weighted mean of both kinds of score, each normalised within this list.
 *
 * @param {number[]} cosines
 * @param {number[]} logits
 * @param {number} weight the logits' share, 0 to 1
 * @returns {number[]}
 */
export function mixed(cosines, logits, weight) {
  const first = bestFirst(cosines);
  if (weight === 0 || weight === 1) {
    return weight ? bestFirst(logits, first) : first;
  }
  const [a, b] = [zScores(cosines), zScores(logits)];
  const scores = a.map((value, place) => (1 - weight) * value + weight * b[place]);
  return bestFirst(
    scores.map((score) => Math.round(score * ROUNDING) / ROUNDING),
    first,
  );
}

/**
 * A text that lacks one of its words.
 *
 * @param {string[]} words
 * @param {number} place
 */
export function without(words, place) {
  return words.filter((_, other) => other !== place).join(" ");
}
