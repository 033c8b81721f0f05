/** The page's side of the models: one worker, started when the reader asks for it. */

import { asked, isKept } from "./files.js";

/** @typedef {import("./protocol.js").ModelName} ModelName */
/** @typedef {import("./protocol.js").ModelFiles} ModelFiles */
/** @typedef {(done: number, total: number) => void} OnProgress */
/** @typedef {{signal?: AbortSignal, onProgress?: OnProgress}} Options */
/** @typedef {{resolve: (value: any) => void, reject: (error: Error) => void} & Options} Waiting */

const BASE = new URL("../", import.meta.url).href;
// The smallest module that uses SIMD; the library's build needs it.
const SIMD = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98,
  11,
];

const ENDED = "The model’s thread ended with an error. Load the model again.";
const NO_START =
  "The model’s thread did not start: the server did not send its scripts, or not as JavaScript. " +
  "Reload the page.";

/** Why no model can run here, in a sentence; empty where one can. */
export function whyNot() {
  if (typeof WebAssembly !== "object") {
    return "This browser has no WebAssembly, or it is switched off. The model needs it to run in the page.";
  }
  if (!WebAssembly.validate(new Uint8Array(SIMD))) {
    return "This browser’s WebAssembly has no SIMD. A newer browser has, and the model needs it.";
  }
  return typeof Worker === "function" ? "" : "This browser has no workers, in which the model runs.";
}

export class Engine {
  constructor() {
    /** @type {Worker | undefined} */
    this.worker = undefined;
    /** @type {Map<number, Waiting>} */
    this.waiting = new Map();
    this.last = 0;
    /** @type {Set<ModelName>} */
    this.loaded = new Set();
    /** Fires "loaded" when a model is ready, and "lost" when all are gone. */
    this.events = new EventTarget();
    /** @type {Promise<ModelFiles> | undefined} */
    this.files = undefined;
  }

  /** @returns {Promise<ModelFiles>} */
  describe() {
    this.files ??= listed().catch((error) => {
      this.files = undefined; // the next call asks again
      throw error;
    });
    return this.files;
  }

  /**
   * How much has to be fetched, and whether the browser has kept all of it.
   *
   * @param {ModelName[]} models
   */
  async size(models) {
    const files = await this.describe();
    const names = /** @type {(keyof ModelFiles)[]} */ (["wasm", "tokenizer", ...models]);
    const kept = await Promise.all(names.map((name) => isKept(new URL(files[name].path, BASE).href)));
    const bytes = names.filter((_, place) => !kept[place]).reduce((sum, name) => sum + files[name].bytes, 0);
    return { bytes, kept: kept.every(Boolean) };
  }

  /** @param {ModelName[]} models */
  has(models) {
    return models.every((name) => this.loaded.has(name));
  }

  /**
   * @param {ModelName[]} models
   * @param {Options} [options] progress in bytes
   */
  async load(models, options) {
    const files = await this.describe();
    await this.ask({ type: "load", models, base: BASE, files }, options);
    models.forEach((name) => this.loaded.add(name));
    this.events.dispatchEvent(new Event("loaded"));
  }

  /**
   * Logits of pairs, in their order.
   *
   * @param {[string, string][]} pairs
   * @param {Options} [options]
   * @returns {Promise<number[]>}
   */
  score(pairs, options) {
    return this.ask({ type: "score", pairs }, options);
  }

  /**
   * Vectors of length 1.
   *
   * @param {string[]} texts
   * @param {Options} [options]
   * @returns {Promise<number[][]>}
   */
  embed(texts, options) {
    return this.ask({ type: "embed", texts }, options);
  }

  /**
   * One pair's score, and what of it the model reads.
   *
   * @param {string} query
   * @param {string} document
   * @param {number} maxLength
   * @param {Options} [options]
   * @returns {Promise<import("./protocol.js").Reading>}
   */
  read(query, document, maxLength, options) {
    return this.ask({ type: "read", query, document, maxLength }, options);
  }

  /**
   * @param {Record<string, any>} request
   * @param {Options} [options]
   * @returns {Promise<any>}
   */
  ask(request, { signal, onProgress } = {}) {
    const id = (this.last += 1);
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      this.waiting.set(id, { resolve, reject, onProgress });
      signal?.addEventListener("abort", () => {
        if (this.waiting.delete(id)) {
          this.started().postMessage({ type: "cancel", id });
          reject(signal.reason);
        }
      });
      this.started().postMessage({ ...request, id });
    });
  }

  started() {
    if (!this.worker) {
      this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
      this.worker.onmessage = ({ data }) => this.take(data);
      this.worker.onerror = (event) => this.fail(event.message || NO_START);
    }
    return this.worker;
  }

  /** @param {import("./protocol.js").Answer} answer */
  take(answer) {
    const waiting = this.waiting.get(answer.id);
    if (answer.type === "progress") {
      waiting?.onProgress?.(answer.done, answer.total);
      return;
    }
    this.waiting.delete(answer.id);
    if (answer.type === "error" && answer.name === "RuntimeError") {
      waiting?.reject(new Error(ENDED));
      this.fail(answer.message); // WebAssembly that broke off does not come back
    } else if (answer.type === "result") {
      waiting?.resolve(answer.value);
    } else {
      const error = new Error(answer.message);
      error.name = answer.name;
      waiting?.reject(error);
    }
  }

  /** @param {string} message for whoever looks into the console */
  fail(message) {
    console.error(message);
    for (const waiting of this.waiting.values()) {
      waiting.reject(new Error(message === NO_START ? message : ENDED));
    }
    this.waiting.clear();
    this.worker?.terminate();
    this.worker = undefined;
    this.loaded.clear();
    this.events.dispatchEvent(new Event("lost"));
  }
}

/** @returns {Promise<ModelFiles>} */
async function listed() {
  const response = await asked(new URL("models.json", BASE).href, { cache: "no-cache" });
  try {
    return await response.json();
  } catch (error) {
    throw new Error(
      "The server gives something else than the list of the model’s files. " +
        "If your network asks you to log in first, do that; then try again.",
      { cause: error },
    );
  }
}

/** The one of this page. */
export const engine = new Engine();
