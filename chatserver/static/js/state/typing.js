/**
 * Who else is writing, and telling that one is. What was heard is forgotten after 5 s.
 *
 * Events: `typing:changed`.
 */

import { me } from "../ui/page.js";
import { Type } from "../net/protocol.js";

const LASTS = 5_000; // milliseconds
const AGAIN = 3_000; // milliseconds between two words of one's own

export class Typing extends EventTarget {
  #send;
  #timers = new Map(); // room → user → timer
  #notifiedAt = new Map(); // room → when

  constructor(send) {
    super();
    this.#send = send;
  }

  /** The names of who writes in a room now. */
  usersIn(room) {
    return [...(this.#timers.get(room)?.keys() ?? [])];
  }

  started({ room, user }) {
    if (user === me.name) return; // on another device
    const writers = this.#timers.get(room) ?? new Map();
    this.#timers.set(room, writers);
    clearTimeout(writers.get(user));
    writers.set(user, setTimeout(() => this.stopped({ room, user }), LASTS));
    this.#changed();
  }

  /** Also when the message came. */
  stopped({ room, user }) {
    const writers = this.#timers.get(room);
    clearTimeout(writers?.get(user));
    if (writers?.delete(user)) this.#changed();
  }

  notify(room) {
    if (room === null || Date.now() - (this.#notifiedAt.get(room) ?? 0) < AGAIN) return;
    if (this.#send({ type: Type.TYPING, room })) this.#notifiedAt.set(room, Date.now());
  }

  /** What was written is sent: the next word is a new one. */
  sent(room) {
    this.#notifiedAt.delete(room);
  }

  #changed() {
    this.dispatchEvent(new CustomEvent("typing:changed"));
  }
}
