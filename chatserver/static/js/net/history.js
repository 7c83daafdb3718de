/** Questions about the log of a room, each asked once at a time. Owns which ones are under way. */

import { HISTORY_LIMIT, isMessage, isNotice, Type } from "./protocol.js";

export class History {
  #connection;
  #reset;
  #busy = new Set();

  /** `reset(conversation, epoch)` hears that the position is not one of this log. */
  constructor(connection, reset) {
    this.#connection = connection;
    this.#reset = reset;
  }

  /** The last messages before `before` with the notices between them, or null as below. */
  async page(conversation, before, limit) {
    const page = await this.ask(conversation, { before, limit });
    if (!page) return null;
    const messages = page.events.filter(isMessage);
    const from = page.more && messages.length > 0 ? messages[0].seq : 1;
    const notices = await this.#notices(conversation, { from, before, messages: messages.length });
    return notices && { ...page, events: [...messages, ...notices].sort((a, b) => a.seq - b.seq) };
  }

  /** A page, or null when there is none: the line broke, or the position is not of this log. */
  async ask(conversation, question) {
    const name = JSON.stringify([conversation.key, question]);
    if (conversation.room === null || this.#busy.has(name)) return null;
    this.#busy.add(name);
    try {
      const frame = { type: Type.HISTORY, room: conversation.room, ...question };
      const reply = await this.#connection.request(frame);
      if (reply.code === "reset") this.#reset(conversation, reply.epoch);
      return reply.ok ? reply : null;
    } catch {
      return null; // the next welcome starts over
    } finally {
      this.#busy.delete(name);
    }
  }

  /** Where messages leave gaps there may be notices in them, which `before` does not bring. */
  async #notices(conversation, { from, before, messages }) {
    const found = [];
    if (before - from === messages) return found;
    for (let after = from - 1; after + 1 < before; ) {
      const page = await this.ask(conversation, { after, limit: HISTORY_LIMIT });
      if (!page) return null;
      if (page.events.length === 0) break;
      found.push(...page.events.filter((event) => isNotice(event) && event.seq < before));
      after = page.events.at(-1).seq;
    }
    return found;
  }
}
