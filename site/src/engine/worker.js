/** The models, in a thread of their own. protocol.js says what comes in and goes out. */

import * as ort from "../vendor/ort.wasm.min.js";
import { Tokenizer } from "../vendor/tokenizers.min.js";
import { fetched, forgetOthers } from "./files.js";
import { encodePair, encodeText } from "./pieces.js";
import { EMBEDDER_LIMIT } from "./protocol.js";

/** @typedef {import("./protocol.js").ModelName} ModelName */
/** @typedef {import("./protocol.js").Request} Request */
/** @typedef {import("./pieces.js").Encoded} Encoded */

const MOST_THREADS = 4;
/** @type {Map<number, AbortController>} */
const running = new Map();
/** @type {Partial<Record<ModelName, ort.InferenceSession>>} */
const sessions = {};
/** @type {Tokenizer | undefined} */
let tokenizer;
/** One thing at a time: a session cannot run twice at once. */
let queue = Promise.resolve();

/** Lets messages in, "cancel" among them. */
const breath = () => new Promise((resolve) => setTimeout(resolve));

/** @param {import("./protocol.js").Answer} answer */
const send = (answer) => self.postMessage(answer);

self.onmessage = ({ data }) => {
  if (data.type === "cancel") {
    running.get(data.id)?.abort();
    return;
  }
  const controller = new AbortController();
  running.set(data.id, controller);
  queue = queue.then(() => answer(data, controller.signal));
};

/**
 * @param {Request} request
 * @param {AbortSignal} signal
 */
async function answer(request, signal) {
  const { id } = request;
  try {
    await breath(); // whoever types quickly has cancelled it by now
    signal.throwIfAborted();
    send({ type: "result", id, value: await work(request, signal) });
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    send({ type: "error", id, name, message });
  } finally {
    running.delete(id);
  }
}

/**
 * @param {Request} request
 * @param {AbortSignal} signal
 */
function work(request, signal) {
  switch (request.type) {
    case "load":
      return load(request, signal);
    case "read":
      return read(request);
    case "score":
      return each(request.id, request.pairs, signal, async (pair) => {
        const output = await run("reranker", encodePair(words(), ...pair));
        return Number(output.logits.data[0]);
      });
    case "embed":
      return each(request.id, request.texts, signal, async (text) => {
        const output = await run("embedder", encodeText(words(), text, EMBEDDER_LIMIT));
        return Array.from(/** @type {Float32Array} */ (output.vector.data));
      });
  }
}

/**
 * @param {import("./protocol.js").Load} request
 * @param {AbortSignal} signal
 */
async function load({ id, models, base, files }, signal) {
  const missing = models.filter((name) => !sessions[name]);
  const names = tokenizer ? missing : /** @type {const} */ (["wasm", "tokenizer", ...missing]);
  const total = names.reduce((sum, name) => sum + files[name].bytes, 0);
  let done = 0;
  const arrived = (/** @type {number} */ bytes) => {
    done += bytes;
    send({ type: "progress", id, done, total });
  };
  const fetchOne = (/** @type {keyof typeof files} */ name) =>
    fetched(new URL(files[name].path, base).href, files[name], arrived, signal);
  if (!tokenizer) {
    ort.env.wasm.wasmBinary = (await fetchOne("wasm")).buffer;
    ort.env.wasm.wasmPaths = { mjs: new URL("vendor/ort-wasm-simd-threaded.js", base).href };
    ort.env.wasm.numThreads = self.crossOriginIsolated
      ? Math.min(MOST_THREADS, navigator.hardwareConcurrency || 1)
      : 1;
    const text = new TextDecoder().decode(await fetchOne("tokenizer"));
    tokenizer = new Tokenizer(JSON.parse(text), {});
  }
  for (const name of missing) {
    const bytes = await fetchOne(name);
    signal.throwIfAborted();
    sessions[name] = await ort.InferenceSession.create(bytes, {
      executionProviders: ["wasm"],
      // The stored weights are then made float32 once, and not at each call.
      extra: { session: { disable_quant_qdq: "1" } },
    });
  }
  await forgetOthers(Object.values(files).map((file) => new URL(file.path, base).href));
  return { threads: ort.env.wasm.numThreads };
}

/** @param {import("./protocol.js").Read} request */
async function read({ query, document, maxLength }) {
  const pair = encodePair(words(), query, document, maxLength);
  const output = await run("reranker", pair);
  return {
    score: Number(output.logits.data[0]),
    pieces: pair.ids.map((id) => words().id_to_token(id) ?? "?"),
    wanted: pair.wanted,
    queryPieces: pair.first,
    documentPieces: pair.second,
    queryEnd: pair.queryEnd,
    documentEnd: pair.documentEnd,
  };
}

/**
 * One after another, with progress, until it is cancelled.
 *
 * @template Item, Value
 * @param {number} id
 * @param {Item[]} items
 * @param {AbortSignal} signal
 * @param {(item: Item) => Promise<Value>} action
 */
async function each(id, items, signal, action) {
  const values = [];
  for (const item of items) {
    await breath();
    signal.throwIfAborted();
    values.push(await action(item));
    send({ type: "progress", id, done: values.length, total: items.length });
  }
  return values;
}

/** The tokenizer, which is there as soon as a model is. */
function words() {
  if (!tokenizer) {
    throw new Error("Load a model first.");
  }
  return tokenizer;
}

/**
 * @param {ModelName} name
 * @param {Encoded} encoded
 */
function run(name, { ids, types }) {
  const session = sessions[name];
  if (!session) {
    throw new Error(`Load the ${name} first.`);
  }
  const shape = [1, ids.length];
  const tensor = (/** @type {number[]} */ numbers) =>
    new ort.Tensor("int64", BigInt64Array.from(numbers, BigInt), shape);
  return session.run({
    input_ids: tensor(ids),
    attention_mask: tensor(ids.map(() => 1)),
    token_type_ids: tensor(types),
  });
}
