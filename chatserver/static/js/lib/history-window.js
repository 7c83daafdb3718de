/**
 * A stretch of a room's past that is shown instead of its end, because somebody wanted to see one old
 * message. It knows everything from `oldest` to `upTo` and grows at both ends.
 */

import { applied } from "./apply.js";

export class HistoryWindow {
  #events;

  /** `events` in order: the messages and notices up to `upTo`; `more`: there are older ones. */
  constructor({ events, more, upTo }) {
    this.#events = events;
    this.hasOlder = more;
    this.upTo = upTo;
  }

  get events() {
    return this.#events;
  }

  get oldest() {
    return this.#events[0]?.seq ?? this.upTo + 1;
  }

  holds(seq) {
    return this.find(seq) !== undefined;
  }

  find(seq) {
    return this.#events.find((event) => event.seq === seq);
  }

  prepend({ events, more }) {
    this.#events = [...events.filter(({ seq }) => seq < this.oldest), ...this.#events];
    this.hasOlder = more && events.length > 0;
  }

  /** What follows, complete up to `upTo`. */
  append({ events, upTo }) {
    const newer = events.filter(({ seq }) => seq > this.upTo && seq <= upTo);
    this.#events = [...this.#events, ...newer];
    this.upTo = upTo;
  }

  /** Something was done to a message. */
  apply(change) {
    if (!this.holds(change.target)) return;
    this.#events = this.#events.map((event) => (event.seq === change.target ? applied(event, change) : event));
  }
}
