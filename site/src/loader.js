/** The button that loads a model, with its size and its progress. It comes back if the model is lost. */

import { engine, whyNot } from "./engine/client.js";
import { announcer, fill, h } from "./ui.js";

/** @typedef {import("./engine/protocol.js").ModelName} ModelName */

const MEGABYTE = 1e6;

/**
 * A panel that stands in an explorer until its models are there.
 *
 * @param {ModelName[]} models
 * @param {() => void} ready is called when they are, and again after they were lost and loaded anew
 * @returns {HTMLElement}
 */
export function loader(models, ready) {
  const status = announcer();
  const reason = whyNot();
  if (reason) {
    const isLesson = document.querySelector("article div.cell");
    status.textContent = isLesson ? `${reason} The lesson’s results above tell the same.` : reason;
    return h("div", { class: "live-loader" }, status);
  }
  const button = h("button", { type: "button" }, buttonName(models));
  const stop = h("button", { type: "button", hidden: true }, "Stop");
  const bar = h("progress", { hidden: true, max: 1, "aria-label": "Loading the model" });
  const panel = h("div", { class: "live-loader" }, button, bar, stop, status);

  const done = () => {
    if (engine.has(models) && !panel.hidden) {
      const hadFocus = panel.contains(document.activeElement);
      const next = /** @type {HTMLElement | null} */ (panel.nextElementSibling);
      panel.hidden = true;
      ready();
      if (hadFocus) {
        next?.focus();
      }
    }
  };
  engine.events.addEventListener("loaded", done);
  engine.events.addEventListener("lost", () => {
    button.hidden = false;
    bar.hidden = stop.hidden = true;
    if (panel.hidden) {
      panel.hidden = false;
      status.textContent = "The model ended with an error. Load it again.";
    }
    nameButton(button, models);
  });
  button.addEventListener("click", () => load(models, { button, stop, bar, status }));
  nameButton(button, models);
  queueMicrotask(done);
  return panel;
}

/**
 * @typedef {object} Parts
 * @property {HTMLButtonElement} button
 * @property {HTMLButtonElement} stop
 * @property {HTMLProgressElement} bar
 * @property {HTMLElement} status
 */

/**
 * @param {ModelName[]} models
 * @param {Parts} parts
 */
async function load(models, { button, stop, bar, status }) {
  const controller = new AbortController();
  const cancel = () => controller.abort();
  stop.addEventListener("click", cancel);
  const busy = (/** @type {boolean} */ is) => {
    button.hidden = is;
    bar.hidden = stop.hidden = !is;
  };
  busy(true);
  stop.focus();
  status.textContent = "Loading …";
  try {
    await engine.load(models, {
      signal: controller.signal,
      onProgress: (done, total) => {
        bar.max = total;
        bar.value = done;
        if (done >= total) {
          fill(status, "Starting …");
        }
      },
    });
  } catch (error) {
    const { name, message } = /** @type {Error} */ (error);
    status.textContent = name === "AbortError" ? "Stopped." : `The model could not be loaded. ${message}`;
    busy(false);
    button.focus();
    nameButton(button, models);
  } finally {
    stop.removeEventListener("click", cancel);
  }
}

/** @param {ModelName[]} models */
function buttonName(models) {
  return models.length > 1 ? "Load both models" : "Load the model";
}

/**
 * Say how much is to be fetched.
 *
 * @param {HTMLButtonElement} button
 * @param {ModelName[]} models
 */
async function nameButton(button, models) {
  try {
    const { bytes, kept } = await engine.size(models);
    const what = kept ? "kept in this browser" : `${Math.ceil(bytes / MEGABYTE)} MB`;
    button.textContent = `${buttonName(models)} (${what})`;
  } catch {
    button.textContent = buttonName(models); // pressing it asks again, and says what is wrong
  }
}
