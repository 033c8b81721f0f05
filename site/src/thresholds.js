/** What a threshold lets through: the arithmetic of the course's explorers/threshold.py, without a page. */

/** @typedef {{name: string, scores: number[], answers: number[]}} Group answers: 1 where a passage does */

/**
 * @param {Group} group
 * @param {number} threshold a score that reaches it passes
 */
export function atThreshold({ scores, answers }, threshold) {
  let passing = 0;
  let hits = 0;
  scores.forEach((score, place) => {
    if (score >= threshold) {
      passing += 1;
      hits += answers[place];
    }
  });
  const right = answers.reduce((sum, answer) => sum + answer, 0);
  return {
    passes: passing / scores.length,
    precision: hits / Math.max(passing, 1),
    recall: hits / right,
    f1: (2 * hits) / (passing + right),
  };
}

/**
 * Each distinct score as a threshold, from low to high, with the F1 that it gives.
 *
 * @param {Group} group
 * @returns {[number, number][]}
 */
export function f1ByThreshold(group) {
  const distinct = [...new Set(group.scores)].sort((a, b) => a - b);
  return distinct.map((threshold) => [threshold, atThreshold(group, threshold).f1]);
}
