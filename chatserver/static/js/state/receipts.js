/** How far the others have read, where a room shows it: asked for once a line, live from then on. */

import { sessionRequest } from "../net/api.js";
import { urls } from "../ui/page.js";

export class Receipts {
  #asked = new Set(); // numbers of rooms
  #changed;

  constructor(changed) {
    this.#changed = changed;
  }

  /** A new line: what was told on the last one may have been missed. */
  renew() {
    this.#asked.clear();
  }

  async load(conversation) {
    const { room, receipts } = conversation;
    if (!receipts || room === null || this.#asked.has(room)) return;
    this.#asked.add(room);
    try {
      const { members } = await sessionRequest("GET", `${urls.rooms}/${room}/members`);
      for (const { name, read = 0 } of members) conversation.readBy(name, read);
      this.#changed();
    } catch {
      this.#asked.delete(room); // when it is opened again
    }
  }
}
