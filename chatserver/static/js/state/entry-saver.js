/** Stores entries of the outbox, and tries again while the disk is full or the database is not available. */

const SAVE_RETRY_DELAY = 2_000; // milliseconds

export class EntrySaver {
  #store;
  #entries;
  #changed;
  #unsaved = new Set(); // ids of entries that are not stored
  #timer = 0;

  /** `entries()` returns those that wait; `changed()` is called when `count` may have changed. */
  constructor(store, { entries, changed }) {
    this.#store = store;
    this.#entries = entries;
    this.#changed = changed;
  }

  /** The number of entries that are not stored. */
  get count() {
    return this.#unsaved.size;
  }

  isUnsaved(id) {
    return this.#unsaved.has(id);
  }

  async save(entry) {
    const isSaved = await this.#store.put(entry);
    const waits = this.#entries().includes(entry);
    if (isSaved && !waits) this.#store.remove(entry.id); // it was acknowledged before it was stored
    if (isSaved || !waits) this.#unsaved.delete(entry.id);
    else this.#saveLater(entry.id);
    this.#changed();
  }

  /** An entry that does not wait any more. */
  remove(id) {
    this.#store.remove(id);
    if (this.#unsaved.delete(id)) this.#changed();
  }

  clear() {
    this.#unsaved.clear();
  }

  /** Try to store it again later: the disk may have space, or the database may be available again. */
  #saveLater(id) {
    this.#unsaved.add(id);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      for (const entry of this.#entries()) if (this.#unsaved.has(entry.id)) this.save(entry);
    }, SAVE_RETRY_DELAY);
  }
}
