/** Whether the user watches a conversation: it is shown for DWELL_TIME in a visible window that has the focus. */

export const DWELL_TIME = 1_000; // milliseconds

export class Attention {
  isWatching = false;

  #onWatched;
  #timer = 0;

  /** `onWatched()` is called each time the user has started to watch. */
  constructor(onWatched) {
    this.#onWatched = onWatched;
  }

  /** Called when the window or its content changes. Returns whether the content is in view. */
  check(isShown) {
    const isInView = isShown && document.visibilityState === "visible" && document.hasFocus();
    if (!isInView) this.reset();
    else if (!this.isWatching) this.#timer ||= setTimeout(() => this.#startWatching(), DWELL_TIME);
    return isInView;
  }

  /** The user has acted on the content, so the time does not matter. */
  watchNow(isShown) {
    if (this.check(isShown) && !this.isWatching) this.#startWatching();
  }

  /** Start again, because other content is shown. */
  reset() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.isWatching = false;
  }

  #startWatching() {
    this.reset();
    this.isWatching = true;
    this.#onWatched();
  }
}
