/** Requests for pages of a room's log. Equal requests are not made at the same time. */

import { HISTORY_LIMIT, isMessage, isNotice, Type } from "./protocol.js";

export class History {
  #connection;
  #reset;
  #busy = new Set();

  /** `reset(conversation, epoch)` is called if the cursor does not exist in the server's log. */
  constructor(connection, reset) {
    this.#connection = connection;
    this.#reset = reset;
  }

  /** The last `limit` messages before seq `before` and the notices between them, or null as in `request`. */
  async page(conversation, before, limit) {
    const page = await this.request(conversation, { before, limit });
    if (!page) return null;
    const messages = page.events.filter(isMessage);
    const from = page.more && messages.length > 0 ? messages[0].seq : 1;
    const notices = await this.#notices(conversation, { from, before, messages: messages.length });
    return notices && { ...page, events: [...messages, ...notices].sort((a, b) => a.seq - b.seq) };
  }

  /** A page, or null if the connection was lost, the request was refused, or the same request is pending. */
  async request(conversation, query) {
    const name = JSON.stringify([conversation.key, query]);
    if (conversation.room === null || this.#busy.has(name)) return null;
    this.#busy.add(name);
    try {
      const frame = { type: Type.HISTORY, room: conversation.room, ...query };
      const reply = await this.#connection.request(frame);
      if (reply.code === "reset") this.#reset(conversation, reply.epoch);
      return reply.ok ? reply : null;
    } catch {
      return null; // loading starts again after the next welcome
    } finally {
      this.#busy.delete(name);
    }
  }

  /** The notices in gaps between messages; a request with `before` returns messages only. */
  async #notices(conversation, { from, before, messages }) {
    const found = [];
    if (before - from === messages) return found;
    for (let after = from - 1; after + 1 < before; ) {
      const page = await this.request(conversation, { after, limit: HISTORY_LIMIT });
      if (!page) return null;
      if (page.events.length === 0) break;
      found.push(...page.events.filter((event) => isNotice(event) && event.seq < before));
      after = page.events.at(-1).seq;
    }
    return found;
  }
}
