/**
 * Keeps controls in place under a moving mouse: the list around them delays its updates until the mouse leaves the
 * control, clicks, or stops moving.
 */

const REST = 5_000; // milliseconds without a move

export class PointerHold {
  #timer = 0;
  #release;

  /** `controls`: a selector within `element`; `release()` applies the delayed updates. */
  constructor(element, { controls, release }) {
    this.#release = release;
    element.addEventListener("pointermove", ({ pointerType, target }) => {
      if (pointerType === "mouse" && target.closest(controls)) this.#hold();
      else this.#end();
    });
    for (const end of ["pointerleave", "click"]) element.addEventListener(end, () => this.#end());
  }

  get held() {
    return this.#timer !== 0;
  }

  #hold() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end(), REST);
  }

  #end() {
    if (!this.held) return;
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#release();
  }
}
