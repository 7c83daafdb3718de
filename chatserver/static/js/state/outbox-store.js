/**
 * Stores outbox entries in IndexedDB, so that they survive a reload. The database is opened again after the browser
 * has closed it, for example because the user cleared the site data.
 */

import { scope } from "../ui/page.js";

const STORE = "messages";
const OPEN_TIMEOUT = 3_000; // milliseconds; some browsers never respond

export class OutboxStore {
  /** Called when the stored entries may have been deleted. */
  onLost = () => {};

  #user;
  #opening = null;

  constructor(user) {
    this.#user = user;
  }

  /** Whether this browser stores anything for the page. */
  async isAvailable() {
    return (await this.#database()) !== null;
  }

  /** The entries of this user in the order in which they were created. */
  async all() {
    const found = (await this.#run("readonly", (store) => store.getAll())) ?? [];
    return found.filter(({ user }) => user === this.#user).sort((a, b) => a.order - b.order);
  }

  /** Returns whether the entry is stored. */
  async put(entry) {
    return (await this.#run("readwrite", (store) => store.put({ ...entry, user: this.#user }))) !== null;
  }

  remove(id) {
    return this.#run("readwrite", (store) => store.delete(id));
  }

  /** Removes the entries of this user. */
  async clear() {
    for (const { id } of await this.all()) await this.remove(id);
  }

  /** The result of a request, or null if the database is closed, full or forbidden. */
  async #run(mode, use) {
    const database = await this.#database();
    try {
      return database && (await committed(database.transaction(STORE, mode), use));
    } catch (error) {
      if (error?.name !== "InvalidStateError") return null;
      this.#lose(database); // it is closed
      const again = await this.#database();
      return again && committed(again.transaction(STORE, mode), use).catch(() => null);
    }
  }

  #database() {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open() {
    try {
      const database = await withTimeout(OPEN_TIMEOUT, open(`chat:${scope}`));
      database.onclose = () => this.#lose(database);
      database.onversionchange = () => this.#lose(database);
      return database;
    } catch {
      this.#opening = null; // the next use tries again
      return null;
    }
  }

  #lose(database) {
    database.onclose = null;
    database.close();
    this.#opening = null;
    this.onLost();
  }
}

async function open(name) {
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "id" });
  return new Promise((resolve, reject) => {
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
}

/** The result after the transaction has completed: on a full disk it fails after its request has succeeded. */
function committed(transaction, use) {
  return new Promise((resolve, reject) => {
    const request = use(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error);
  });
}

function withTimeout(milliseconds, promise) {
  const late = new Promise((_resolve, reject) => setTimeout(() => reject(new Error("timeout")), milliseconds));
  return Promise.race([promise, late]);
}
