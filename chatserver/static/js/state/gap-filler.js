/** Requests missing events of timelines until none is missing, for each conversation one request at a time. */

import { HISTORY_LIMIT } from "../net/protocol.js";

export class GapFiller {
  #history;
  #receive;
  #retryLater;
  #busy = new Set(); // keys of conversations

  /** `receive(conversation, events)` applies a page, `retryLater(action)` schedules another attempt. */
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
        const before = timeline.cursor;
        const page = await this.#history.request(conversation, { ...timeline.missing, limit: HISTORY_LIMIT });
        if (!page) return this.#retryLater(() => this.fill(conversation));
        timeline.head = Math.max(timeline.head, page.head);
        this.#receive(conversation, page.events);
        if (timeline.cursor === before) return null; // the server has no more events now
      }
      return null;
    } finally {
      this.#busy.delete(conversation.key);
    }
  }
}
