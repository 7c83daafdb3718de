/** Read positions of other members, in rooms that show them: requested once for each connection, then updated live. */

import { sessionRequest } from "../net/api.js";
import { urls } from "../ui/page.js";

export class ReadReceipts {
  #requested = new Set(); // numbers of rooms
  #changed;

  /** `changed()` is called when positions were loaded. */
  constructor(changed) {
    this.#changed = changed;
  }

  /** After a reconnection: updates may have been missed. */
  reset() {
    this.#requested.clear();
  }

  async load(conversation) {
    const { room, receipts } = conversation;
    if (!receipts || room === null || this.#requested.has(room)) return;
    this.#requested.add(room);
    try {
      const { members } = await sessionRequest("GET", `${urls.rooms}/${room}/members`);
      for (const { name, read = 0 } of members) conversation.readBy(name, read);
      this.#changed();
    } catch {
      this.#requested.delete(room); // requested again when the room is opened again
    }
  }
}
