/**
 * What this client holds of one room's log. `position` is the last seq up to which nothing is missing;
 * it never moves over a range that was not received. Events beyond a hole wait. Each is taken once:
 * messages and notices are shown, acts change the message that they are about.
 */

import { isChange } from "../net/protocol.js";
import { applied } from "./apply.js";

const MOST = 2_000; // events that are held while nobody reads the old ones
const KEPT = 1_000; // of them when there are more

export class Timeline {
  /** null until the newest page is here. */
  position = null;
  /** The highest seq that is known to exist. */
  head = 0;
  hasOlder = false;

  #events = []; // messages and notices in seq order
  #changes = []; // taken since the newest page, in order: an older page may not know of the last ones
  #quoted = new Map(); // seq → a message that is older than what is held, and quoted
  #waiting = new Map(); // seq → event beyond a hole, or before the newest page is here

  get loaded() {
    return this.position !== null;
  }

  /** In order: what is complete, then own events that were answered before what precedes them. */
  get events() {
    if (this.#waiting.size === 0) return this.#events;
    const own = [...this.#waiting.values()].filter((event) => event.acknowledged);
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

  /** The message of that seq, or undefined. */
  find(seq) {
    if (!seq) return undefined;
    return this.events.findLast((event) => event.seq === seq) ?? this.#quoted.get(seq);
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

  /** A page of older events as they were when `head` was the last one. */
  prepend({ events, more, head = Infinity }) {
    const { oldest } = this;
    const older = events.filter((event) => event.seq < oldest);
    this.#events = [...older.map((event) => this.updated(event, head)), ...this.#events];
    this.hasOlder = more && events.length > 0;
  }

  /** A message as it was when `head` was the last event, with what is known to have been done to it since. */
  updated(event, head) {
    const later = this.#changes.filter(({ seq, target }) => target === event.seq && seq > head);
    return later.reduce(applied, event);
  }

  /** A message that only a quotation shows, as it was when `head` was the last event. */
  quote(event, head) {
    this.#quoted.set(event.seq, this.updated(event, head));
  }

  /** One event, live or from a page. Returns the events that became complete by it, in order. */
  receive(event) {
    this.head = Math.max(this.head, event.seq);
    if (this.loaded && event.seq <= this.position) return this.#confirm(event);
    const known = this.#waiting.get(event.seq);
    if (!known || known.acknowledged) this.#waiting.set(event.seq, event);
    return this.loaded ? this.#drain() : [];
  }

  /** Lets go of what is far from the end, as if it had never been asked for: `before` brings it again. */
  trim() {
    if (this.#events.length <= MOST) return;
    const all = [...this.#quoted.values(), ...this.#events];
    this.#events = this.#events.slice(-KEPT);
    const { oldest } = this;
    const quoted = new Set(this.#events.map((event) => event.reply_to));
    this.#quoted = new Map(all.filter(({ seq }) => quoted.has(seq)).map((event) => [event.seq, event]));
    this.#changes = this.#changes.filter(({ seq }) => seq >= oldest);
    this.hasOlder = true;
  }

  /** Forget everything: the log is another one, or too much was missed. */
  reset(head = 0) {
    this.position = null;
    this.head = head;
    this.hasOlder = false;
    this.#events = [];
    this.#changes = [];
    this.#quoted.clear();
    this.#waiting.clear();
  }

  /** The event of one's own message, of which the answer told less: it has the `html` too. */
  #confirm(event) {
    const index = this.#events.findLastIndex((known) => known.seq === event.seq && known.acknowledged);
    if (index >= 0) this.#events[index] = this.updated(event, event.seq);
    return [];
  }

  #drain() {
    const complete = [];
    for (let next = this.position + 1; this.#waiting.has(next); next += 1) {
      const event = this.#waiting.get(next);
      this.#waiting.delete(next);
      this.position = next;
      if (isChange(event)) this.#apply(event);
      else this.#events.push(event);
      complete.push(event);
    }
    return complete;
  }

  #apply(change) {
    this.#changes.push(change);
    const index = this.#events.findLastIndex(({ seq }) => seq === change.target);
    if (index >= 0) this.#events[index] = applied(this.#events[index], change);
    const quoted = this.#quoted.get(change.target);
    if (quoted) this.#quoted.set(change.target, applied(quoted, change));
  }

}
