/**
 * The loaded end of one room's log. `cursor` is the last seq up to which nothing is missing;
 * it never moves over a range that was not received. Events after a gap wait. Each event is applied once:
 * messages and notices are shown; edits, deletions and reactions change their message.
 */

import { isChange } from "../net/protocol.js";
import { applied } from "./apply.js";

const MAX_EVENTS = 2_000; // more than this are trimmed
const TRIMMED_EVENTS = 1_000; // events that are left after trimming

export class Timeline {
  /** null until the newest page is loaded. */
  cursor = null;
  /** The highest seq that is known to exist. */
  head = 0;
  hasOlder = false;

  #events = []; // messages and notices in seq order
  #changes = []; // received since the newest page, in order; an older page may lack the last ones
  #quoted = new Map(); // seq → a quoted message that is older than the loaded events
  #waiting = new Map(); // seq → event after a gap, or received before the newest page

  get loaded() {
    return this.cursor !== null;
  }

  /** In order: the events up to `cursor`, then own events that were acknowledged after a gap. */
  get events() {
    if (this.#waiting.size === 0) return this.#events;
    const own = [...this.#waiting.values()].filter((event) => event.acknowledged);
    return [...this.#events, ...own.sort((a, b) => a.seq - b.seq)];
  }

  /** The seq of the oldest loaded event; older ones are requested with `before` this. */
  get oldest() {
    return this.#events[0]?.seq ?? (this.cursor ?? this.head) + 1;
  }

  /** {after} when something up to `head` is missing, else null. */
  get missing() {
    return this.loaded && this.head > this.cursor ? { after: this.cursor } : null;
  }

  /** The message of that seq, or undefined. */
  find(seq) {
    if (!seq) return undefined;
    return this.events.findLast((event) => event.seq === seq) ?? this.#quoted.get(seq);
  }

  /** Load the newest page, complete up to `upTo`. Returns the waiting events that follow it. */
  load({ events, more, upTo }) {
    this.#events = [...events];
    this.cursor = upTo;
    this.hasOlder = more;
    this.head = Math.max(this.head, upTo);
    for (const seq of this.#waiting.keys()) if (seq <= upTo) this.#waiting.delete(seq);
    return this.#drain();
  }

  /** Add a page of older events, which reflects the log up to `head`. */
  prepend({ events, more, head = Infinity }) {
    const { oldest } = this;
    const older = events.filter((event) => event.seq < oldest);
    this.#events = [...older.map((event) => this.updated(event, head)), ...this.#events];
    this.hasOlder = more && events.length > 0;
  }

  /** `event`, which reflects the log up to `head`, with the later changes applied. */
  updated(event, head) {
    const later = this.#changes.filter(({ seq, target }) => target === event.seq && seq > head);
    return later.reduce(applied, event);
  }

  /** Add a message that only a quotation shows; it reflects the log up to `head`. */
  quote(event, head) {
    this.#quoted.set(event.seq, this.updated(event, head));
  }

  /** Add one event, live or from a page. Returns the events that now follow without a gap, in order. */
  receive(event) {
    this.head = Math.max(this.head, event.seq);
    if (this.loaded && event.seq <= this.cursor) return this.#replaceAcknowledged(event);
    const known = this.#waiting.get(event.seq);
    if (!known || known.acknowledged) this.#waiting.set(event.seq, event);
    return this.loaded ? this.#drain() : [];
  }

  /** Evict old events; they can be loaded again. */
  trim() {
    if (this.#events.length <= MAX_EVENTS) return;
    const all = [...this.#quoted.values(), ...this.#events];
    this.#events = this.#events.slice(-TRIMMED_EVENTS);
    const { oldest } = this;
    const quoted = new Set(this.#events.map((event) => event.reply_to));
    this.#quoted = new Map(all.filter(({ seq }) => quoted.has(seq)).map((event) => [event.seq, event]));
    this.#changes = this.#changes.filter(({ seq }) => seq >= oldest);
    this.hasOlder = true;
  }

  /** Remove everything, because the log was replaced or too much was missed. */
  reset(head = 0) {
    this.cursor = null;
    this.head = head;
    this.hasOlder = false;
    this.#events = [];
    this.#changes = [];
    this.#quoted.clear();
    this.#waiting.clear();
  }

  /** Replace an acknowledged own message by its event, which also has the `html`. */
  #replaceAcknowledged(event) {
    const index = this.#events.findLastIndex((known) => known.seq === event.seq && known.acknowledged);
    if (index >= 0) this.#events[index] = this.updated(event, event.seq);
    return [];
  }

  #drain() {
    const complete = [];
    for (let next = this.cursor + 1; this.#waiting.has(next); next += 1) {
      const event = this.#waiting.get(next);
      this.#waiting.delete(next);
      this.cursor = next;
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
