/**
 * Reports to the server whether the user looks at this page: no push is sent then. It is visible, has the focus or was
 * used a moment ago, and the device is not asleep, so the report is repeated.
 */

const REPORT_INTERVAL = 45_000; // milliseconds; the server forgets a report after 90 seconds
const IDLE_TIME = 300_000; // milliseconds without a key or a pointer, after which nobody looks
const ACTIVITY = ["pointerdown", "pointermove", "keydown", "scroll", "focus"];

export class Visibility {
  #send;
  #isReported = false;
  #usedAt = 0;
  #now;

  /** `send(visible)` reports it; `now()` returns milliseconds. */
  constructor(send, { now = () => performance.now() } = {}) {
    this.#send = send;
    this.#now = now;
  }

  watch() {
    this.#usedAt = this.#now();
    document.addEventListener("visibilitychange", () => this.report());
    for (const name of ACTIVITY) addEventListener(name, () => this.#used(), { passive: true, capture: true });
    setInterval(() => this.report(), REPORT_INTERVAL);
    this.report();
  }

  get isVisible() {
    return document.visibilityState === "visible" && this.#now() - this.#usedAt < IDLE_TIME;
  }

  /** Report again to a server that may have forgotten it: the connection is a new one. */
  reset() {
    this.#isReported = false;
    this.report();
  }

  /** Report the present state; that the page is still hidden is not repeated. */
  report() {
    const { isVisible } = this;
    if (isVisible || this.#isReported) this.#send(isVisible);
    this.#isReported = isVisible;
  }

  #used() {
    const wasVisible = this.isVisible;
    this.#usedAt = this.#now();
    if (!wasVisible && this.isVisible) this.report();
  }
}
