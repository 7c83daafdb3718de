/**
 * What this client holds of one room's log. `position` is the last seq up to which nothing is missing;
 * it never moves over a range that was not received. Events beyond a hole wait. Each is shown once.
 */

export class Timeline {
  /** null until the newest page is here. */
  position = null;
  /** The highest seq that is known to exist. */
  head = 0;
  hasOlder = false;

  #events = []; // in seq order, all of them received
  #waiting = new Map(); // seq → event beyond a hole, or before the newest page is here

  get loaded() {
    return this.position !== null;
  }

  /** In order: what is complete, then own events that were answered before what precedes them. */
  get events() {
    if (this.#waiting.size === 0) return this.#events;
    const own = [...this.#waiting.values()].filter((event) => event.answered);
    return [...this.#events, ...own.sort((a, b) => a.seq - b.seq)];
  }

  /** The seq of the oldest event that is held; older ones are asked for with `before` this. */
  get oldest() {
    return this.#events[0]?.seq ?? (this.position ?? this.head) + 1;
  }

  /** {after} when something up to `head` is missing, else null. */
  get missing() {
    return this.loaded && this.head > this.position ? { after: this.position } : null;
  }

  /** The newest page: whatever comes up to `upTo` and is not in it is older. Returns what is new. */
  load({ events, more, upTo }) {
    this.#events = [...events];
    this.position = upTo;
    this.hasOlder = more;
    this.head = Math.max(this.head, upTo);
    for (const seq of this.#waiting.keys()) if (seq <= upTo) this.#waiting.delete(seq);
    return this.#drain();
  }

  /** A page of older messages. */
  prepend({ events, more }) {
    const { oldest } = this;
    this.#events = [...events.filter((event) => event.seq < oldest), ...this.#events];
    this.hasOlder = more && events.length > 0;
  }

  /** One event, live or from a page. Returns the events that became complete by it, in order. */
  receive(event) {
    this.head = Math.max(this.head, event.seq);
    if (this.loaded && event.seq <= this.position) return [];
    const known = this.#waiting.get(event.seq);
    if (!known || known.answered) this.#waiting.set(event.seq, event);
    return this.loaded ? this.#drain() : [];
  }

  /** Forget everything: the log is another one, or too much was missed. */
  reset(head = 0) {
    this.position = null;
    this.head = head;
    this.hasOlder = false;
    this.#events = [];
    this.#waiting.clear();
  }

  #drain() {
    const complete = [];
    for (let next = this.position + 1; this.#waiting.has(next); next += 1) {
      complete.push(this.#waiting.get(next));
      this.#waiting.delete(next);
      this.position = next;
    }
    this.#events.push(...complete);
    return complete;
  }
}
