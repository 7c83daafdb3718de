/** Keeps a message list scrolled to its end while it follows the end. */

const NEAR_END = 100; // pixels

export class EndFollower {
  follows = true;

  #scroller;
  #isLastShown;
  #endTop = 0; // the scroll position of the end

  /** `content`: what `scroller` contains; `isLastShown()`: whether the last message of the conversation is in it. */
  constructor({ scroller, content, isLastShown }) {
    this.#scroller = scroller;
    this.#isLastShown = isLastShown;
    const resized = new ResizeObserver(() => this.follow());
    resized.observe(content);
    resized.observe(scroller);
  }

  /** Whether the end is in view or at most NEAR_END below it. */
  get isNearEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    return this.#isLastShown() && scrollHeight - scrollTop - clientHeight <= NEAR_END;
  }

  /**
   * Whether the list still follows the end; checks the position, because scroll events come one frame late. A list that
   * has become lower or longer since, because the composer or a message grew, still follows unless the user scrolled up.
   */
  isAtEnd() {
    this.follows &&= this.#scroller.scrollTop >= this.#endTop - NEAR_END || this.isNearEnd;
    return this.follows;
  }

  /** Scroll to the end if the list follows it. */
  follow() {
    if (!this.follows) return;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#endTop = this.#scroller.scrollTop;
  }
}
