/** Browser storage that never throws. Values that the browser cannot store are kept in memory. */

import { scope } from "../ui/page.js";

const PREFIX = `chat:${scope}:`;

class SafeStorage {
  #open;
  #memory = new Map(); // name → the value that is not stored

  /** `open()`: returns the Storage, or throws where the browser forbids it. */
  constructor(open) {
    this.#open = open;
  }

  get(name) {
    if (this.#memory.has(name)) return this.#memory.get(name);
    try {
      return this.#open().getItem(PREFIX + name);
    } catch {
      return null;
    }
  }

  /** Store `value`; an empty value removes the item. */
  set(name, value) {
    this.#memory.delete(name);
    try {
      if (value) this.#open().setItem(PREFIX + name, value);
      else this.#open().removeItem(PREFIX + name);
    } catch {
      this.#memory.set(name, value || null);
    }
  }

  /** The names that start with `prefix`. */
  names(prefix) {
    return [...new Set([...this.#stored(prefix), ...this.unsavedNames(prefix)])];
  }

  /** The names that start with `prefix` and whose values exist in memory only. */
  unsavedNames(prefix) {
    return [...this.#memory].filter(([name, value]) => value && name.startsWith(prefix)).map(([name]) => name);
  }

  /** Remove all items whose names start with `prefix`. */
  remove(prefix) {
    for (const name of this.unsavedNames(prefix)) this.#memory.delete(name);
    for (const name of this.#stored(prefix)) this.#open().removeItem(PREFIX + name);
  }

  #stored(prefix) {
    try {
      const names = Object.keys(this.#open()).filter((name) => name.startsWith(PREFIX + prefix));
      return names.map((name) => name.slice(PREFIX.length));
    } catch {
      return [];
    }
  }
}

/** Shared by all tabs of this browser. */
export const local = new SafeStorage(() => localStorage);

/** Of this tab; a reload keeps it. */
export const tab = new SafeStorage(() => sessionStorage);
