/**
 * The page's database (IndexedDB): unsent messages, and their files. It is opened again after the browser has closed it,
 * for example because the user cleared the site data.
 */

import { scope } from "../ui/page.js";

export const MESSAGES = "messages";
export const FILES = "files";

const VERSION = 2; // 1 had no files
const OPEN_TIMEOUT = 3_000; // milliseconds; some browsers never respond

export class PageDatabase {
  /** Called when the stored data may have been deleted. */
  onLost = () => {};

  #opening = null;

  /** Whether this browser stores anything for the page. */
  async isAvailable() {
    return (await this.#database()) !== null;
  }

  /** The result of the request that `use(transaction)` returns, or null if the database is closed, full or forbidden. */
  async run(mode, stores, use) {
    const database = await this.#database();
    try {
      return database && (await committed(database.transaction(stores, mode), use));
    } catch (error) {
      if (error?.name !== "InvalidStateError") return null;
      this.#lose(database); // it is closed
      const again = await this.#database();
      return again && committed(again.transaction(stores, mode), use).catch(() => null);
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
  const opening = indexedDB.open(name, VERSION);
  opening.onupgradeneeded = ({ oldVersion }) => {
    if (oldVersion < 1) opening.result.createObjectStore(MESSAGES, { keyPath: "id" });
    opening.result.createObjectStore(FILES, { keyPath: "key" });
  };
  return new Promise((resolve, reject) => {
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
}

/** The result after the transaction has completed: on a full disk it fails after its request has succeeded. */
function committed(transaction, use) {
  return new Promise((resolve, reject) => {
    const request = use(transaction);
    transaction.oncomplete = () => resolve(request?.result);
    transaction.onabort = () => reject(transaction.error);
  });
}

function withTimeout(milliseconds, promise) {
  const late = new Promise((_resolve, reject) => setTimeout(() => reject(new Error("timeout")), milliseconds));
  return Promise.race([promise, late]);
}
