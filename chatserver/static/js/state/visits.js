/**
 * Scroll positions by entry of the browser's history, so that Back restores them.
 *
 * A position is {key, seq, top, panel}: the conversation, `seq` and `top` as in <message-list>, and the search results that
 * were closed on a phone, as in <side-area>.
 */

import { newId } from "../lib/ids.js";

export class Visits {
  #positions = new Map(); // id of an entry → position
  #entry = entryId();

  /** Whether the current entry is the one that `switchEntry` was called for. */
  get isCurrent() {
    return history.state?.entry === this.#entry;
  }

  /**
   * After a change of the address: store `position` for the previous entry and return the position of the current one,
   * or null.
   */
  switchEntry(position) {
    this.#positions.set(this.#entry, position);
    this.#entry = entryId();
    return this.#positions.get(this.#entry) ?? null;
  }
}

/** The id of the current entry; assigned if it has none. */
function entryId() {
  const entry = history.state?.entry ?? newId();
  history.replaceState({ ...history.state, entry }, "");
  return entry;
}
