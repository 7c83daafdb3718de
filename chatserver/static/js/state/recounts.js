/**
 * Requests unread counts from the server for rooms where this page can only estimate them: after another device has
 * read a part, and when old messages are edited or deleted. One request for each room at a time.
 */

import { sessionRequest } from "../net/api.js";
import { urls } from "../ui/page.js";

const BACKOFF_FACTOR = 10; // times the pause, for a room that stays stale
const PAUSE = 1_000; // milliseconds in which changes of one room are collected

export class Recounts {
  #feed;
  #count;
  #pause;
  #busy = new Set(); // conversations

  /** `count(room)` returns a promise of the room's state as in a welcome. */
  constructor(feed, { count = (room) => sessionRequest("GET", `${urls.rooms}/${room}`), pause = PAUSE } = {}) {
    this.#feed = feed;
    this.#count = count;
    this.#pause = pause;
    for (const name of ["feed:changed", "feed:welcomed"]) feed.addEventListener(name, () => this.check());
  }

  check() {
    for (const conversation of this.#feed.all) if (conversation.stale) this.#schedule(conversation);
  }

  #schedule(conversation) {
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
    // Still stale: newer events have come, or the server has not applied a reported position yet.
    setTimeout(() => this.#checkAgain(conversation), conversation.stale ? BACKOFF_FACTOR * this.#pause : 0);
    this.#feed.dispatchEvent(new CustomEvent("feed:changed", { detail: { conversation, added: [] } }));
  }

  #checkAgain(conversation) {
    this.#busy.delete(conversation);
    this.check();
  }
}
