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
  #tell;
  #heard = new Map(); // room → user → timer
  #said = new Map(); // room → when

  constructor(tell) {
    super();
    this.#tell = tell;
  }

  /** The names of who writes in a room now. */
  of(room) {
    return [...(this.#heard.get(room)?.keys() ?? [])];
  }

  heard({ room, user }) {
    if (user === me.name) return; // on another device
    const writers = this.#heard.get(room) ?? new Map();
    this.#heard.set(room, writers);
    clearTimeout(writers.get(user));
    writers.set(user, setTimeout(() => this.stopped({ room, user }), LASTS));
    this.#changed();
  }

  /** Also when the message came. */
  stopped({ room, user }) {
    const writers = this.#heard.get(room);
    clearTimeout(writers?.get(user));
    if (writers?.delete(user)) this.#changed();
  }

  say(room) {
    if (room === null || Date.now() - (this.#said.get(room) ?? 0) < AGAIN) return;
    if (this.#tell({ type: Type.TYPING, room })) this.#said.set(room, Date.now());
  }

  /** What was written is sent: the next word is a new one. */
  sent(room) {
    this.#said.delete(room);
  }

  #changed() {
    this.dispatchEvent(new CustomEvent("typing:changed"));
  }
}
