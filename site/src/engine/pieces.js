/** Pairs as word pieces, cut as the course's Python tokenizer cuts them. */

import { LIMIT } from "./protocol.js";

/** @typedef {import("../vendor/tokenizers.min.js").Tokenizer} Tokenizer */
/** @typedef {{ids: number[], types: number[]}} Encoded */

const SPECIAL = 3; // [CLS] query [SEP] document [SEP]
// Rarer Chinese characters, of two code units each: the library puts no blanks around them.
const RARE_CHINESE = /[\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;
// Marks and signs that Unicode got after the list in Python's tokenizer, which takes them for letters.
const NEWER = new RegExp(
  // eslint-disable-next-line no-misleading-character-class -- each mark stands for itself
  "[\\u061d\\u07fd\\u0890\\u0891\\u0897-\\u089f\\u08ca-\\u08e2\\u09fd\\u09fe\\u0a76\\u0afa-\\u0aff\\u0b55" +
    "\\u0c04\\u0c3c\\u0c77\\u0c84\\u0d00\\u0d3b\\u0d3c\\u0d81\\u0eba\\u0ece\\u180f\\u1885\\u1886" +
    "\\u1abf-\\u1aeb\\u1b4e\\u1b4f\\u1b7d-\\u1b7f\\u1df6-\\u1dfb\\u2e43-\\u2e4f\\u2e52-\\u2e5d" +
    "\\ua82c\\ua8c5\\ua8ff\\ua9bd]",
  "g",
);
const UNKNOWN = "\ua015"; // a letter that no piece has

/**
 * A text that this library reads as Python's reads the one that is given.
 *
 * @param {string} text
 */
export function readable(text) {
  return text
    .replaceAll("Σ", "σ") // by itself; JavaScript makes another letter of it at the end of a word
    .replace(RARE_CHINESE, " $& ")
    .replace(NEWER, UNKNOWN);
}

/**
 * @param {Tokenizer} tokenizer
 * @param {string} text
 */
function encoded(tokenizer, text) {
  return tokenizer.encode(readable(text), { add_special_tokens: false });
}

/**
 * How many pieces of two texts are kept: the longer is cut first, to the length of the shorter; then both.
 *
 * @param {number} first
 * @param {number} second
 * @param {number} room for both together
 * @returns {[number, number]}
 */
export function kept(first, second, room) {
  if (first + second <= room) {
    return [first, second];
  }
  let shorter = Math.min(first, second);
  let longer = shorter > room ? shorter : Math.max(shorter, room - shorter);
  if (shorter + longer > room) {
    shorter = Math.floor(room / 2);
    longer = shorter + (room % 2);
  }
  return first > second ? [longer, shorter] : [shorter, longer];
}

/**
 * @param {Tokenizer} tokenizer
 * @param {string} query
 * @param {string} document
 */
export function encodePair(tokenizer, query, document, maxLength = LIMIT) {
  const texts = [query, document].map((text) => encoded(tokenizer, text));
  const [first, second] = kept(texts[0].ids.length, texts[1].ids.length, maxLength - SPECIAL);
  const [cls, sep] = ["[CLS]", "[SEP]"].map((name) => Number(tokenizer.token_to_id(name)));
  const ids = [cls, ...texts[0].ids.slice(0, first), sep, ...texts[1].ids.slice(0, second), sep];
  return {
    ids,
    types: ids.map((_, place) => (place < first + 2 ? 0 : 1)),
    first,
    second,
    wanted: texts[0].ids.length + texts[1].ids.length + SPECIAL,
    queryEnd: endOfPiece(query, texts[0].tokens, first),
    documentEnd: endOfPiece(document, texts[1].tokens, second),
  };
}

/**
 * @param {Tokenizer} tokenizer
 * @param {string} text
 * @param {number} maxLength
 * @returns {Encoded}
 */
export function encodeText(tokenizer, text, maxLength) {
  const { ids } = encoded(tokenizer, text);
  const [cls, sep] = ["[CLS]", "[SEP]"].map((name) => Number(tokenizer.token_to_id(name)));
  const all = [cls, ...ids.slice(0, maxLength - 2), sep];
  return { ids: all, types: all.map(() => 0) };
}

/**
 * Where a text's piece number `count` ends, in characters. The tokenizer does not say, so the text is read
 * along: each character as the tokenizer normalises it, until the pieces' letters are used up.
 *
 * @param {string} text
 * @param {string[]} pieces all pieces of the text
 * @param {number} count
 */
export function endOfPiece(text, pieces, count) {
  if (count >= pieces.length) {
    return text.length;
  }
  let wanted = pieces
    .slice(0, count)
    .map((piece) => [...piece.replace(/^##/, "")].length)
    .reduce((sum, length) => sum + length, 0);
  if (pieces.slice(0, count).includes("[UNK]")) {
    return endOfWords(text, pieces, count);
  }
  let end = 0;
  for (const character of text) {
    if (wanted <= 0) {
      break;
    }
    wanted -= [...normalised(character)].length;
    end += character.length;
  }
  return end;
}

/** With an unknown piece, which has no letters: the share of the text, at the end of a word.
 * @param {string} text
 * @param {string[]} pieces
 * @param {number} count
 */
function endOfWords(text, pieces, count) {
  const about = Math.floor((text.length * count) / pieces.length);
  const space = text.indexOf(" ", about);
  return space < 0 ? text.length : space;
}

/** @param {string} character */
function normalised(character) {
  return readable(character)
    .normalize("NFD")
    .replace(/\p{Mn}/gu, "")
    .toLowerCase()
    .replace(/[\s\p{Cc}\p{Cf}\ufffd]/gu, "");
}
