/**
 * Places that were on screen at each entry of the browser's history, so that Back returns to them.
 *
 * A place is {key, seq, top, panel}: the conversation, `seq` and `top` as <message-list> has them, and the search results
 * that were left on a phone, as <side-area> has them.
 */

import { newId } from "../lib/ids.js";

export class Visits {
  #places = new Map(); // id of an entry → place
  #entry = entryId();

  /** The address has changed: keeps `place` for the entry that was left. Returns that of the present one, or null. */
  turn(place) {
    this.#places.set(this.#entry, place);
    this.#entry = entryId();
    return this.#places.get(this.#entry) ?? null;
  }
}

/** The id of the present entry, which gets one here. */
function entryId() {
  const entry = history.state?.entry ?? newId();
  history.replaceState({ ...history.state, entry }, "");
  return entry;
}
