/**
 * What the page and its worker say to each other.
 *
 * The page sends requests, each with a number, and "cancel" with the number of one. The worker answers a
 * request with any number of "progress" and then one "result" or "error".
 *
 * @typedef {"reranker" | "embedder"} ModelName
 * @typedef {{path: string, bytes: number, sha256: string}} ModelFile
 * @typedef {Record<"wasm" | "tokenizer" | ModelName, ModelFile>} ModelFiles in models.json
 *
 * @typedef {{type: "load", id: number, models: ModelName[], base: string, files: ModelFiles}} Load
 * @typedef {{type: "score", id: number, pairs: [string, string][]}} Score
 * @typedef {{type: "read", id: number, query: string, document: string, maxLength: number}} Read
 * @typedef {{type: "embed", id: number, texts: string[]}} Embed
 * @typedef {{type: "cancel", id: number}} Cancel
 * @typedef {Load | Score | Read | Embed} Request
 *
 * @typedef {{type: "progress", id: number, done: number, total: number}} Progress bytes, pairs or texts
 * @typedef {{type: "result", id: number, value: any}} Result
 * @typedef {{type: "error", id: number, name: string, message: string}} Failure
 * @typedef {Progress | Result | Failure} Answer
 *
 * @typedef {object} Reading what the model reads of a pair
 * @property {number} score the logit
 * @property {string[]} pieces the word pieces, special ones included
 * @property {number} wanted how many there would be without a limit
 * @property {number} queryPieces how many of the query are read
 * @property {number} documentPieces how many of the document are read
 * @property {number} queryEnd where in the query's text its last piece that is read ends
 * @property {number} documentEnd the same in the document's text
 */

export const LIMIT = 512; // word pieces that the reranker reads, query, document and special ones together
export const EMBEDDER_LIMIT = 256;
