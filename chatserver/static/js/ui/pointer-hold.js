/**
 * Keeps controls in place under a moving mouse or pen: the list around them delays its updates until it leaves the
 * control, clicks, or stops moving.
 */

const REST = 5_000; // milliseconds without a move

export class PointerHold {
  #timer = 0;
  #release;

  /**
   * `controls`: a selector within `element`; `release()` applies the delayed updates; `afterClick`: milliseconds for
   * which updates stay delayed after a click, because another click may follow that is meant for the same control.
   */
  constructor(element, { controls, release, afterClick = 0 }) {
    this.#release = release;
    element.addEventListener("pointermove", ({ pointerType, target }) => {
      if (pointerType !== "touch" && target.closest(controls)) this.#hold(REST);
      else this.#end();
    });
    element.addEventListener("pointerleave", () => this.#end());
    element.addEventListener("click", () => (this.held && afterClick ? this.#hold(afterClick) : this.#end()));
  }

  get held() {
    return this.#timer !== 0;
  }

  #hold(duration) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end(), duration);
  }

  #end() {
    if (!this.held) return;
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#release();
  }
}
