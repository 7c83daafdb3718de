/** Fills holes of timelines: asks for what is missing until nothing is, of each conversation once at a time. */

import { HISTORY_LIMIT } from "../net/protocol.js";

export class GapFiller {
  #history;
  #receive;
  #retryLater;
  #busy = new Set(); // keys of conversations

  /** `receive(conversation, events)` hears what came, `retryLater(action)` of what is to be tried again. */
  constructor(history, { receive, retryLater }) {
    this.#history = history;
    this.#receive = receive;
    this.#retryLater = retryLater;
  }

  async fill(conversation) {
    const { timeline } = conversation;
    if (this.#busy.has(conversation.key)) return null;
    this.#busy.add(conversation.key);
    try {
      while (timeline.missing) {
        const before = timeline.position;
        const page = await this.#history.ask(conversation, { ...timeline.missing, limit: HISTORY_LIMIT });
        if (!page) return this.#retryLater(() => this.fill(conversation));
        timeline.head = Math.max(timeline.head, page.head);
        this.#receive(conversation, page.events);
        if (timeline.position === before) return null; // the server cannot say more now
      }
      return null;
    } finally {
      this.#busy.delete(conversation.key);
    }
  }
}
