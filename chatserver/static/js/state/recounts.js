/**
 * Requests unread counts from the server for rooms where this page can only estimate them: after another device has
 * read a part, and when old messages are edited or deleted. One request for each room at a time.
 */

import { sessionRequest } from "../net/api.js";
import { urls } from "../ui/page.js";

const BACKOFF_FACTOR = 10; // multiple of the delay, for a room that stays stale
const COLLECT_DELAY = 1_000; // milliseconds in which changes of one room are collected

export class Recounts {
  #conversations;
  #count;
  #delay;
  #busy = new Set(); // conversations

  /** `count(room)` returns a promise of the room's state as in a welcome. */
  constructor(conversations, { count = (room) => sessionRequest("GET", `${urls.rooms}/${room}`), delay = COLLECT_DELAY } = {}) {
    this.#conversations = conversations;
    this.#count = count;
    this.#delay = delay;
    for (const name of ["conversation:changed", "conversations:welcomed"]) conversations.addEventListener(name, () => this.check());
  }

  check() {
    for (const conversation of this.#conversations.all) if (conversation.stale) this.#schedule(conversation);
  }

  #schedule(conversation) {
    if (this.#busy.has(conversation)) return;
    this.#busy.add(conversation);
    setTimeout(() => this.#recount(conversation), this.#delay);
  }

  async #recount(conversation) {
    const state = conversation.stale ? await this.#count(conversation.room).catch(() => null) : null;
    if (!state || this.#conversations.of(state.room) !== conversation) {
      this.#busy.delete(conversation); // the next change or welcome tries again
      return;
    }
    conversation.recount(state);
    // Still stale: newer events have come, or the server has not applied a reported position yet.
    setTimeout(() => this.#checkAgain(conversation), conversation.stale ? BACKOFF_FACTOR * this.#delay : 0);
    this.#conversations.dispatchEvent(new CustomEvent("conversation:changed", { detail: { conversation, added: [] } }));
  }

  #checkAgain(conversation) {
    this.#busy.delete(conversation);
    this.check();
  }
}
