/** Whether the user watches what is shown: for DWELL milliseconds, in a visible window that has the focus. */

export const DWELL = 1_000; // what is shown for less is only a glance

export class Attention {
  isSettled = false;

  #onSettled;
  #timer = 0;

  /** `onSettled()` is called each time that the user has begun to watch. */
  constructor(onSettled) {
    this.#onSettled = onSettled;
  }

  /** To be called when the window changes, or what it shows. Returns whether it is in view. */
  check(isShown) {
    const isInView = isShown && document.visibilityState === "visible" && document.hasFocus();
    if (!isInView) this.reset();
    else if (!this.isSettled) this.#timer ||= setTimeout(() => this.#settle(), DWELL);
    return isInView;
  }

  /** The user acts on what is shown, so it was read. */
  settle(isShown) {
    if (this.check(isShown) && !this.isSettled) this.#settle();
  }

  /** Something else is shown. */
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
