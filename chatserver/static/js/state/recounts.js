/**
 * Has the server count again what is unread in rooms where this page can only estimate it: after another device has
 * read a part, and when old messages are edited or deleted. Owns which rooms are asked about, each once at a time.
 */

import { sessionRequest } from "../net/api.js";
import { urls } from "../ui/page.js";

const AGAIN = 10; // pauses
const PAUSE = 1_000; // milliseconds in which changes of one room are collected

export class Recounts {
  #feed;
  #count;
  #pause;
  #busy = new Set(); // conversations

  /** `count(room)` promises the facts of a room as a welcome has them. */
  constructor(feed, { count = (room) => sessionRequest("GET", `${urls.rooms}/${room}`), pause = PAUSE } = {}) {
    this.#feed = feed;
    this.#count = count;
    this.#pause = pause;
    for (const name of ["feed:changed", "feed:renewed"]) feed.addEventListener(name, () => this.look());
  }

  look() {
    for (const conversation of this.#feed.all) if (conversation.stale) this.#soon(conversation);
  }

  #soon(conversation) {
    if (this.#busy.has(conversation)) return;
    this.#busy.add(conversation);
    setTimeout(() => this.#recount(conversation), this.#pause);
  }

  async #recount(conversation) {
    const facts = conversation.stale ? await this.#count(conversation.room).catch(() => null) : null;
    if (!facts || this.#feed.of(facts.room) !== conversation) {
      this.#busy.delete(conversation); // the next change or welcome tries again
      return;
    }
    conversation.recount(facts);
    // Still stale: more has come, or the server does not know a position that was sent to it.
    setTimeout(() => this.#lookAgain(conversation), conversation.stale ? AGAIN * this.#pause : 0);
    this.#feed.dispatchEvent(new CustomEvent("feed:changed", { detail: { conversation, added: [] } }));
  }

  #lookAgain(conversation) {
    this.#busy.delete(conversation);
    this.look();
  }
}
