/** `choose_model` and `advice` of the course's model_chooser.py, without a page. */

const HOSTED_SECONDS = 1; // room for the network and the service
const BASE = "cross-encoder/ms-marco-MiniLM-L12-v2";

/**
 * @typedef {object} Option
 * @property {string} name
 * @property {string} licence
 * @property {number | null} layers
 * @property {number | null} width
 * @property {string} languages
 * @property {"packaged" | "hub" | "hosted"} runs
 */

/**
 * @typedef {object} Answers
 * @property {string} language
 * @property {boolean} openWeights
 * @property {boolean} mayLeave
 * @property {boolean} gpu
 * @property {number} candidates
 * @property {number} budget seconds for a query
 * @property {number} perPair seconds for a pair with the packaged L-12
 */

/** @typedef {{name: string, fits: boolean, seconds: number, why: string}} Row seconds: NaN if unknown */

const WHERE = {
  packaged: "installed with the course",
  hub: "one download, then on your machine",
  hosted: "nothing to run; needs a key, and each search costs",
};

/** @param {Option} option */
const compute = ({ layers, width }) => (layers && width ? layers * width ** 2 : NaN);

/**
 * The options, those that fit first.
 *
 * @param {Option[]} options
 * @param {Record<string, string>} notPromised
 * @param {Answers} answers
 * @returns {Row[]}
 */
export function chosen(options, notPromised, answers) {
  const base = options.find((option) => option.name === BASE);
  const rows = options.map((option) => {
    const known = !answers.gpu && option.runs !== "hosted" && base;
    const seconds = known
      ? (answers.candidates * answers.perPair * compute(option)) / compute(base)
      : NaN;
    const against = reasonsAgainst(option, notPromised[option.name], seconds, answers);
    const why = (against.length ? against : reasonsFor(option)).join("; ");
    return { name: option.name, fits: !against.length, seconds, why };
  });
  return rows.sort((a, b) => Number(b.fits) - Number(a.fits));
}

/**
 * @param {Option} option
 * @param {string | undefined} notPromised
 * @param {number} seconds
 * @param {Answers} answers
 */
function reasonsAgainst({ licence, languages, runs }, notPromised, seconds, answers) {
  const { language, openWeights, mayLeave, budget } = answers;
  const hosted = runs === "hosted";
  const reads = languages === "multilingual" || languages.split(", ").includes(language);
  const reasons = [
    !reads && `trained on ${languages}, not on ${language}`,
    licence.includes("NC") && `its licence, ${licence}, forbids business use`,
    notPromised,
    hosted && openWeights && "its weights are not published",
    hosted && !mayLeave && "texts would leave your machine",
    hosted && budget < HOSTED_SECONDS && "a call over the network may take longer than your budget",
    seconds > budget && `about ${tenths(seconds)} s for a query, more than ${budget} s`,
  ];
  return reasons.filter(Boolean);
}

/**
 * One decimal as Python rounds it: of two that are as near, the even one.
 *
 * @param {number} value
 */
function tenths(value) {
  const isQuarter = value % 1 === 1 / 4; // the one tie where the two languages differ
  return (isQuarter ? value - 0.05 : value).toFixed(1);
}

/** @param {Option} option */
function reasonsFor({ runs, licence }) {
  return [WHERE[runs], runs === "hosted" ? licence : `${licence}, which allows business use`];
}

/**
 * In words: what fits, or that nothing does and what helps.
 *
 * @param {Option[]} options
 * @param {Record<string, string>} notPromised
 * @param {Answers} answers
 */
export function advice(options, notPromised, answers) {
  const fitting = (/** @type {Partial<Answers>} */ change) =>
    chosen(options, notPromised, { ...answers, ...change }).filter((row) => row.fits);
  const now = fitting({});
  if (now.length) {
    return `${now.length} of ${options.length} fit: ${now.map((row) => row.name).join(", ")}.`;
  }
  const words = changes(fitting, answers).flatMap(([change, what]) => {
    const first = fitting(change)[0];
    return first ? [`${what} (then ${first.name} fits)`] : [];
  });
  return words.length
    ? `Nothing fits. Any one of these helps: ${words.join("; ")}.`
    : "Nothing fits, and no single change helps.";
}

/**
 * @param {(change: Partial<Answers>) => Row[]} fitting
 * @param {Answers} answers
 * @returns {[Partial<Answers>, string][]}
 */
function changes(fitting, answers) {
  /** @type {[Partial<Answers>, string][]} */
  const found = [];
  const seconds = fitting({ budget: Infinity }).map((row) => row.seconds).filter((value) => !isNaN(value));
  if (seconds.length) {
    const quickest = Math.min(...seconds);
    const budget = Math.ceil(quickest * 10) / 10;
    found.push([{ budget }, `allow ${budget} s for a query`]);
    const candidates = Math.floor((answers.candidates * answers.budget) / quickest);
    if (candidates >= 1) {
      found.push([{ candidates }, `rerank ${candidates} candidates`]);
    }
  }
  /** @type {Partial<Answers>} */
  const change = { mayLeave: true };
  let what = "let texts go to a service";
  if (answers.openWeights) {
    change.openWeights = false;
    what += " whose weights are not published";
  }
  if (answers.budget < HOSTED_SECONDS) {
    change.budget = HOSTED_SECONDS;
    what += ` and allow ${HOSTED_SECONDS} s`;
  }
  return [...found, [change, what]];
}
