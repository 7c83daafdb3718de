/**
 * Typing notifications: which other users are typing, and sending the user's own.
 *
 * Events: `typing:changed`.
 */

import { me } from "../ui/page.js";
import { Type } from "../net/protocol.js";

const EXPIRY = 5_000; // milliseconds until a user counts as not typing
const SEND_INTERVAL = 3_000; // milliseconds between two own notifications

export class Typing extends EventTarget {
  #send;
  #timers = new Map(); // room → user → timer
  #notifiedAt = new Map(); // room → when

  constructor(send) {
    super();
    this.#send = send;
  }

  /** The names of users who are typing in a room. */
  usersIn(room) {
    return [...(this.#timers.get(room)?.keys() ?? [])];
  }

  started({ room, user }) {
    if (user === me.name) return; // the user's own, on another device
    const writers = this.#timers.get(room) ?? new Map();
    this.#timers.set(room, writers);
    clearTimeout(writers.get(user));
    writers.set(user, setTimeout(() => this.stopped({ room, user }), EXPIRY));
    this.#changed();
  }

  /** Also called when the user's message arrives. */
  stopped({ room, user }) {
    const writers = this.#timers.get(room);
    clearTimeout(writers?.get(user));
    if (writers?.delete(user)) this.#changed();
  }

  notify(room) {
    if (room === null || Date.now() - (this.#notifiedAt.get(room) ?? 0) < SEND_INTERVAL) return;
    if (this.#send({ type: Type.TYPING, room })) this.#notifiedAt.set(room, Date.now());
  }

  /** The message was sent: the next key press sends a notification at once. */
  sent(room) {
    this.#notifiedAt.delete(room);
  }

  #changed() {
    this.dispatchEvent(new CustomEvent("typing:changed"));
  }
}
