/** Keeps a message list scrolled to its end while it follows the end. */

const NEAR_END = 100; // pixels
const INPUTS = ["wheel", "touchmove", "pointerdown", "keydown"]; // with which a user scrolls

export class EndFollower {
  follows = true;

  #scroller;
  #isLastShown;
  #endTop = 0; // the scroll position of the end
  #height = 0; // scrollHeight and clientHeight at that time
  #viewHeight = 0;
  #hasInput = false; // whether the user did something since

  /** `content`: what `scroller` contains; `isLastShown()`: whether the last message of the conversation is in it. */
  constructor({ scroller, content, isLastShown }) {
    this.#scroller = scroller;
    this.#isLastShown = isLastShown;
    const resized = new ResizeObserver(() => this.follow());
    resized.observe(content);
    resized.observe(scroller);
    for (const type of INPUTS) scroller.addEventListener(type, () => (this.#hasInput = true), { passive: true });
  }

  /** Whether the end is in view or at most NEAR_END below it. */
  get isNearEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    return this.#isLastShown() && scrollHeight - scrollTop - clientHeight <= NEAR_END;
  }

  /**
   * Whether the list still follows the end; checks the position, because scroll events come one frame late. A list that
   * has become lower, shorter or longer since, because the composer grew or previews were loaded, still follows unless
   * the user scrolled up.
   */
  isAtEnd() {
    this.follows &&= this.#scroller.scrollTop >= this.#endTop - NEAR_END || this.isNearEnd || this.#wasMoved;
    return this.follows;
  }

  /** Whether a change of the layout, and not the user, has moved the scroll position up. */
  get #wasMoved() {
    const { scrollHeight, clientHeight } = this.#scroller;
    return !this.#hasInput && (scrollHeight < this.#height || clientHeight !== this.#viewHeight);
  }

  /** Scroll to the end if the list follows it. */
  follow() {
    if (!this.follows) return;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#endTop = this.#scroller.scrollTop;
    this.#height = this.#scroller.scrollHeight;
    this.#viewHeight = this.#scroller.clientHeight;
    this.#hasInput = false;
  }
}
