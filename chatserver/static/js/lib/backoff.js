/**
 * Exponential back-off with full jitter: a random delay below a maximum, which doubles from FIRST_MAXIMUM to
 * LAST_MAXIMUM.
 */

const FIRST_MAXIMUM = 500; // milliseconds
export const LAST_MAXIMUM = 30_000; // milliseconds

export class Backoff {
  #attempt = 0;
  #random;

  constructor(random = Math.random) {
    this.#random = random;
  }

  /** The next delay in milliseconds. */
  next() {
    const maximum = Math.min(LAST_MAXIMUM, FIRST_MAXIMUM * 2 ** Math.min(this.#attempt, 16));
    this.#attempt += 1;
    return this.#random() * maximum;
  }

  reset() {
    this.#attempt = 0;
  }
}
