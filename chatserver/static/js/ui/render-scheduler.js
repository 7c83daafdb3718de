/** Coalesces redraws of the page, and limits their rate. Also redraws on a new day, for the day lines. */

import { startOfDay } from "../lib/dates.js";

const DRAW_INTERVAL = 60; // milliseconds between two draws
const DATE_CHECK_INTERVAL = 60_000; // milliseconds; a timer for midnight would be late after sleep
const HIDDEN_DELAY = 250; // milliseconds until a draw while the page is hidden

export class RenderScheduler {
  #draw;
  #waiting = false;
  #last = 0;
  #day = startOfDay(Date.now());

  constructor(draw) {
    this.#draw = draw;
    setInterval(() => startOfDay(Date.now()) !== this.#day && this.soon(), DATE_CHECK_INTERVAL);
  }

  soon() {
    if (this.#waiting) return;
    this.#waiting = true;
    if (document.visibilityState !== "visible") setTimeout(() => this.now(), HIDDEN_DELAY);
    else setTimeout(() => requestAnimationFrame(() => this.now()), this.#last + DRAW_INTERVAL - performance.now());
  }

  now() {
    this.#waiting = false;
    this.#last = performance.now();
    this.#day = startOfDay(Date.now());
    this.#draw();
  }
}
