/** Whether the user watches a conversation: it is shown for DWELL_TIME in a visible window that has the focus. */

export const DWELL_TIME = 1_000; // milliseconds

export class Attention {
  isSettled = false;

  #onSettled;
  #timer = 0;

  /** `onSettled()` is called each time the user has started to watch. */
  constructor(onSettled) {
    this.#onSettled = onSettled;
  }

  /** Called when the window or its content changes. Returns whether the content is in view. */
  check(isShown) {
    const isInView = isShown && document.visibilityState === "visible" && document.hasFocus();
    if (!isInView) this.reset();
    else if (!this.isSettled) this.#timer ||= setTimeout(() => this.#settle(), DWELL_TIME);
    return isInView;
  }

  /** The user has acted on the content, so the time does not matter. */
  settle(isShown) {
    if (this.check(isShown) && !this.isSettled) this.#settle();
  }

  /** Start again, because other content is shown. */
  reset() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.isSettled = false;
  }

  #settle() {
    this.reset();
    this.isSettled = true;
    this.#onSettled();
  }
}
