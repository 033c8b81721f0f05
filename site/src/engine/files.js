/** The model's files: fetched once with their progress, compared with the site's list, kept. */

/** @typedef {import("./protocol.js").ModelFile} ModelFile */

// The site's own path: two copies of it on one server do not throw out each other's files.
const KEPT = `rerank-course-models:${new URL("../../../", import.meta.url).pathname}`;

/** @returns {Promise<Cache | null>} null where the page may keep nothing: no https and no loopback */
async function keeper() {
  try {
    return "caches" in globalThis ? await caches.open(KEPT) : null;
  } catch {
    return null; // private windows of some browsers
  }
}

/** @param {string} url */
export async function isKept(url) {
  return Boolean(await (await keeper())?.match(url));
}

/**
 * What a server answers, or an error that says in a sentence why there is nothing.
 *
 * @param {string} url
 * @param {RequestInit} [options]
 */
export async function asked(url, options) {
  const response = await plainly(fetch(url, options));
  if (!response.ok) {
    throw new Error(`The server answered ${response.status} for ${nameOf(url)}. Try again later.`);
  }
  return response;
}

/**
 * The bytes of a file. One that is not as the site's list has it is fetched once more, and never kept.
 *
 * @param {string} url holds the beginning of the file's hash, so another version has another address
 * @param {ModelFile} file
 * @param {(bytes: number) => void} arrived is called with the size of each part, and with less than 0 for a
 *   file that has to come again
 * @param {AbortSignal} signal
 * @returns {Promise<Uint8Array>}
 */
export async function fetched(url, file, arrived, signal) {
  const cache = await keeper();
  const sources = [
    () => cache?.match(url),
    () => asked(url, { signal }),
    () => asked(url, { signal, cache: "reload" }), // the browser's own store may hold the bad one
  ];
  for (const [number, source] of sources.entries()) {
    const response = await source();
    if (!response?.body) {
      continue;
    }
    const bytes = await plainly(collected(response.body, arrived, signal));
    if (await isRight(bytes, file)) {
      await (number && cache && keep(cache, url, bytes));
      return bytes;
    }
    arrived(-bytes.length);
    await cache?.delete(url);
  }
  throw new Error(
    `The server gives another ${nameOf(url)} than the one that this site was built with. ` +
      "If your network asks you to log in first, do that; then reload the page and try again.",
  );
}

/**
 * @param {Cache} cache
 * @param {string} url
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
async function keep(cache, url, bytes) {
  try {
    await cache.put(url, new Response(bytes, { headers: { "Content-Length": String(bytes.length) } }));
  } catch {
    // No room: the next visit fetches it again.
  }
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {ModelFile} file
 */
async function isRight(bytes, file) {
  if (bytes.length !== file.bytes || !globalThis.crypto?.subtle) {
    return bytes.length === file.bytes; // no https and no loopback: nothing here can hash
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("") === file.sha256;
}

/**
 * A browser's words for a network that fails differ, and say little.
 *
 * @template Value
 * @param {Promise<Value>} promise
 */
async function plainly(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof TypeError) {
      throw new Error("The network does not reach the server. Try again when it does.", { cause: error });
    }
    throw error;
  }
}

/** @param {string} url */
function nameOf(url) {
  return url.split("/").pop();
}

/**
 * @param {ReadableStream<Uint8Array>} stream
 * @param {(bytes: number) => void} arrived
 * @param {AbortSignal} signal
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function collected(stream, arrived, signal) {
  const parts = [];
  const reader = stream.getReader();
  for (;;) {
    if (signal.aborted) {
      await reader.cancel();
      throw new DOMException("Stopped.", "AbortError");
    }
    const { done, value } = await reader.read();
    if (done) {
      break;
    }
    parts.push(value);
    arrived(value.length);
  }
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}

/**
 * Forget files of other versions.
 *
 * @param {string[]} urls those of this version
 */
export async function forgetOthers(urls) {
  const cache = await keeper();
  for (const request of (await cache?.keys()) ?? []) {
    if (!urls.includes(request.url)) {
      await cache?.delete(request);
    }
  }
}

/**
 * Forget all files.
 *
 * @returns {Promise<boolean>} whether there were any
 */
export async function forgetFiles() {
  try {
    return "caches" in globalThis && (await caches.delete(KEPT));
  } catch {
    return false;
  }
}
