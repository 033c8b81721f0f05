/** Of several calls of one explorer, only the latest counts: a new one stops the one before. */

import { h } from "./ui.js";

export class Latest {
  /** @param {(is: boolean) => void} [busy] is told when a result is awaited, and when no longer */
  constructor(busy = () => {}) {
    this.busy = busy;
    /** @type {AbortController | undefined} */
    this.controller = undefined;
  }

  stop() {
    this.controller?.abort();
    this.controller = undefined;
    this.busy(false);
  }

  /**
   * @template Value
   * @param {(signal: AbortSignal) => Promise<Value>} action
   * @param {(value: Value) => void} show is called unless a later call came
   * @param {(message: string) => void} failed
   */
  async run(action, show, failed) {
    this.stop();
    const controller = (this.controller = new AbortController());
    this.busy(true);
    try {
      const value = await action(controller.signal);
      if (!controller.signal.aborted) {
        this.busy(false);
        show(value);
      }
    } catch (error) {
      if (!controller.signal.aborted) {
        this.busy(false);
        failed(error instanceof Error ? error.message : String(error));
      }
    }
  }
}

/**
 * Mark what is shown as old, or as no longer so. The style says it in a word.
 *
 * @param {...HTMLElement} elements
 * @returns {(is: boolean) => void}
 */
export function marksOld(...elements) {
  return (is) => elements.forEach((element) => element.setAttribute("aria-busy", String(is)));
}

/**
 * A button that starts something long, and the one that stops it.
 *
 * @param {HTMLButtonElement} button
 * @param {() => void} stopped
 */
export function stoppable(button, stopped) {
  const stop = h("button", { type: "button", hidden: true }, "Stop");
  const latest = new Latest((is) => {
    if (!is && stop === document.activeElement) {
      button.focus();
    }
    stop.hidden = !is;
  });
  stop.addEventListener("click", () => {
    latest.stop();
    stopped();
  });
  return { latest, buttons: h("div", { class: "live-buttons" }, button, stop) };
}
