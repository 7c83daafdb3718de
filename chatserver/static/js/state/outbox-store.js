/** Stores outbox entries and the contents of their files, so that they survive a reload. */

import { FILES, MESSAGES, PageDatabase } from "./page-database.js";

export class OutboxStore {
  #user;
  #database = new PageDatabase();
  #contents = new Map(); // key of a file → Blob; those of this page
  #written = new Set(); // keys of files whose contents are stored

  constructor(user) {
    this.#user = user;
  }

  /** Called when the stored entries may have been deleted. */
  set onLost(action) {
    this.#database.onLost = () => {
      this.#written.clear();
      action();
    };
  }

  isAvailable() {
    return this.#database.isAvailable();
  }

  /** The entries of this user in the order in which they were created. */
  async all() {
    const found = (await this.#run("readonly", [MESSAGES], (stores) => stores.objectStore(MESSAGES).getAll())) ?? [];
    return found.filter(({ user }) => user === this.#user).sort((a, b) => a.order - b.order);
  }

  /** The stored entry, undefined without one, null if it cannot be read. */
  find(id) {
    return this.#run("readonly", [MESSAGES], (stores) => stores.objectStore(MESSAGES).get(id));
  }

  /** Store an entry, with the contents of its files that are not stored yet. Returns whether it is stored. */
  async put(entry) {
    const keys = (entry.files ?? []).map(({ key }) => key).filter((key) => this.#contents.has(key) && !this.#written.has(key));
    const stored = await this.#run("readwrite", [MESSAGES, FILES], (stores) => {
      for (const key of keys) stores.objectStore(FILES).put({ key, user: this.#user, content: this.#contents.get(key) });
      return stores.objectStore(MESSAGES).put({ ...entry, user: this.#user });
    });
    if (stored !== null) for (const key of keys) this.#written.add(key);
    return stored !== null;
  }

  remove(id) {
    return this.#run("readwrite", [MESSAGES], (stores) => stores.objectStore(MESSAGES).delete(id));
  }

  /** Removes the entries of this user. */
  async clear() {
    for (const { id, files = [] } of await this.all()) {
      await this.remove(id);
      await this.removeContents(files);
    }
  }

  // Contents of files ----------------------------------------------------------------------------

  /** Keep the content of a file, which is stored with its entry. */
  hold(key, content) {
    this.#contents.set(key, content);
    this.#written.delete(key);
  }

  /** The content of a file, or null if it is not stored. */
  async content(key) {
    if (this.#contents.has(key)) return this.#contents.get(key);
    const found = await this.#run("readonly", [FILES], (stores) => stores.objectStore(FILES).get(key));
    return found?.content ?? null;
  }

  /** `files` with their contents, as far as they are stored. */
  async withContents(files) {
    const found = await Promise.all(files.map(async (file) => ({ ...file, content: await this.content(file.key) })));
    return found.filter(({ content }) => content);
  }

  removeContents(files) {
    for (const { key } of files) this.#contents.delete(key);
    return this.#run("readwrite", [FILES], (stores) => void files.forEach(({ key }) => stores.objectStore(FILES).delete(key)));
  }

  /** Remove the contents that belong to no entry, because the page ended between two steps. */
  async sweep() {
    await this.#run("readwrite", [MESSAGES, FILES], (stores) => {
      const entries = stores.objectStore(MESSAGES).getAll();
      const contents = stores.objectStore(FILES);
      entries.onsuccess = () => {
        const used = new Set(entries.result.flatMap(({ files = [] }) => files.map(({ key }) => key)));
        contents.getAllKeys().onsuccess = ({ target }) => target.result.filter((key) => !used.has(key)).forEach((key) => contents.delete(key));
      };
    });
  }

  #run(mode, stores, use) {
    return this.#database.run(mode, stores, use);
  }
}
