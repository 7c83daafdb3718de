/** Unsent messages in IndexedDB, so that they survive a reload. Without IndexedDB, in memory only. */

import { scope } from "./page.js";

const STORE = "messages";

export class OutboxStore {
  #user;
  #opening;

  constructor(user) {
    this.#user = user;
    this.#opening = open(`chat:${scope}`).catch(() => null);
  }

  /** What this user has not sent, in the order in which it was written. */
  async all() {
    const found = (await this.#run("readonly", (store) => store.getAll())) ?? [];
    return found.filter(({ user }) => user === this.#user).sort((a, b) => a.order - b.order);
  }

  put(entry) {
    return this.#run("readwrite", (store) => store.put({ ...entry, user: this.#user }));
  }

  remove(id) {
    return this.#run("readwrite", (store) => store.delete(id));
  }

  /** Forgets what this user has not sent. */
  async clear() {
    for (const { id } of await this.all()) await this.remove(id);
  }

  async #run(mode, use) {
    const database = await this.#opening;
    if (!database) return null;
    try {
      return await settled(use(database.transaction(STORE, mode).objectStore(STORE)));
    } catch {
      return null; // full or forbidden: the message is still in memory
    }
  }
}

function open(name) {
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "id" });
  return settled(opening);
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
