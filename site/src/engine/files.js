/** The model's files: fetched once with their progress, then kept by the browser. */

const KEPT = "rerank-course-models";

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
 * The bytes of a file.
 *
 * @param {string} url holds the beginning of the file's hash, so another version has another address
 * @param {(bytes: number) => void} arrived is called with the size of each part
 * @param {AbortSignal} signal
 * @returns {Promise<Uint8Array>}
 */
export async function fetched(url, arrived, signal) {
  const cache = await keeper();
  const known = await cache?.match(url);
  const response = known ?? (await fetch(url, { signal }));
  if (!response.ok || !response.body) {
    throw new Error(`The server answered ${response.status} for ${url}.`);
  }
  const bytes = await collected(response.body, arrived, signal);
  if (cache && !known) {
    try {
      await cache.put(url, new Response(bytes, { headers: { "Content-Length": String(bytes.length) } }));
    } catch {
      // No room: the next visit fetches it again.
    }
  }
  return bytes;
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
