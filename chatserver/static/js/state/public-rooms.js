/**
 * Public rooms by their names, so that texts can link to them. Loaded when a text first names a room that the user is no
 * member of, and again after some time.
 *
 * Events: `rooms:changed`.
 */

import { foldName } from "../lib/mentions.js";
import { roomKey } from "../lib/route.js";
import { urls } from "../ui/page.js";
import { sessionRequest } from "../net/api.js";

const LOAD_INTERVAL = 300_000; // milliseconds between two requests
const MAX_JITTER = 2_000; // milliseconds; spreads the requests of clients that get the same message
const FIRST = "!"; // is sorted before all names

class PublicRooms extends EventTarget {
  #rooms = new Map(); // folded name → {key, name, title}
  #loadedAt = -LOAD_INTERVAL;
  #loading = null; // promise of the running request

  get all() {
    return [...this.#rooms.values()];
  }

  /** {key, name, title}, or undefined; then the list is loaded soon, unless it is new. */
  named(name) {
    const found = this.#rooms.get(name);
    if (!found && /\p{L}/u.test(name) && this.#isOld) setTimeout(() => this.load(), Math.random() * MAX_JITTER);
    return found;
  }

  get #isOld() {
    return performance.now() - this.#loadedAt > LOAD_INTERVAL;
  }

  /** Load the list unless it is new. Returns whether it was loaded, also by an earlier call that is still running. */
  async load() {
    if (this.#isOld) {
      this.#loadedAt = performance.now();
      this.#loading = this.#loadAll().finally(() => (this.#loading = null));
    }
    return (await this.#loading) ?? false;
  }

  async #loadAll() {
    try {
      for (let after = FIRST; after !== undefined; ) after = await this.#loadPage(after);
    } catch {
      return false; // names of rooms are shown as text
    }
    this.dispatchEvent(new CustomEvent("rooms:changed"));
    return true;
  }

  async #loadPage(after) {
    const page = await sessionRequest("GET", `${urls.rooms}?${new URLSearchParams({ public_after: after })}`);
    for (const { room, name, title } of page.public) this.#rooms.set(foldName(name), { key: roomKey(room), name, title: title || name });
    return page.public_after;
  }
}

export const publicRooms = new PublicRooms();
