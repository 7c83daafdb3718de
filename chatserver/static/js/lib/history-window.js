/**
 * A range of a room's history that is shown instead of the newest messages, after a jump to an old one.
 * It is complete from `oldest` to `upTo` and grows at both ends.
 */

import { applied } from "./apply.js";

export class HistoryWindow {
  #events;

  /** `events`: the messages and notices up to `upTo`, in order; `more`: older ones exist. */
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

  /** Add the events that follow, complete up to `upTo`. */
  append({ events, upTo }) {
    const newer = events.filter(({ seq }) => seq > this.upTo && seq <= upTo);
    this.#events = [...this.#events, ...newer];
    this.upTo = upTo;
  }

  /** Apply an edit, a deletion or a reaction. */
  apply(change) {
    if (!this.holds(change.target)) return;
    this.#events = this.#events.map((event) => (event.seq === change.target ? applied(event, change) : event));
  }
}
