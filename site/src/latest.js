/** Of several calls of one explorer, only the latest counts: a new one stops the one before. */

export class Latest {
  constructor() {
    /** @type {AbortController | undefined} */
    this.controller = undefined;
  }

  stop() {
    this.controller?.abort();
    this.controller = undefined;
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
    try {
      const value = await action(controller.signal);
      if (!controller.signal.aborted) {
        show(value);
      }
    } catch (error) {
      if (!controller.signal.aborted) {
        failed(error instanceof Error ? error.message : String(error));
      }
    }
  }
}
