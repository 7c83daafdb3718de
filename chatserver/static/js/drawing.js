/** Draws soon, once for everything that changes until then, and no more often than one can follow. */

const PAUSE = 60; // milliseconds between two draws while much is going on
const HIDDEN_PAUSE = 250; // milliseconds between two draws that nobody sees

export class Drawing {
  #draw;
  #waiting = false;
  #last = 0;

  constructor(draw) {
    this.#draw = draw;
  }

  soon() {
    if (this.#waiting) return;
    this.#waiting = true;
    if (document.visibilityState !== "visible") setTimeout(() => this.now(), HIDDEN_PAUSE);
    else setTimeout(() => requestAnimationFrame(() => this.now()), this.#last + PAUSE - performance.now());
  }

  now() {
    this.#waiting = false;
    this.#last = performance.now();
    this.#draw();
  }
}
