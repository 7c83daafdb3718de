/**
 * Keeps what a mouse aims at in its place: while it moves over a control, the list around that waits with its
 * changes, until the mouse leaves the control, clicks, or rests.
 */

const REST = 5_000; // milliseconds without a move after which a mouse rests

export class PointerHold {
  #timer = 0;
  #release;

  /** `controls`: a selector within `element`; `release()` makes up for what was held back. */
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
