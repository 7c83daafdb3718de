/** Draws soon, once for everything that changes until then, and no more often than one can follow; and on a new day. */

import { startOfDay } from "../lib/dates.js";

const PAUSE = 60; // milliseconds between two draws while much is going on
const CHECK = 60_000; // milliseconds between two looks at the date: a timer for midnight would be late after sleep
const HIDDEN_PAUSE = 250; // milliseconds between two draws that nobody sees

export class RenderScheduler {
  #draw;
  #waiting = false;
  #last = 0;
  #day = startOfDay(Date.now());

  constructor(draw) {
    this.#draw = draw;
    setInterval(() => startOfDay(Date.now()) !== this.#day && this.soon(), CHECK);
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
    this.#day = startOfDay(Date.now());
    this.#draw();
  }
}
