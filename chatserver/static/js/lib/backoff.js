/** Exponential back-off with full jitter: a random delay below a maximum that doubles from BASE to LIMIT, in milliseconds. */

export const BASE = 500;
export const LIMIT = 30_000;

export class Backoff {
  #attempt = 0;
  #random;

  constructor(random = Math.random) {
    this.#random = random;
  }

  next() {
    const ceiling = Math.min(LIMIT, BASE * 2 ** Math.min(this.#attempt, 16));
    this.#attempt += 1;
    return this.#random() * ceiling;
  }

  reset() {
    this.#attempt = 0;
  }
}
