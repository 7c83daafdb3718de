/**
 * Places that were on screen of each entry of the browser's history, so that Back returns to them.
 *
 * A place is {key, seq, top, panel}: the conversation, its first visible message, how far that is below the top of the
 * list (`seq` is null at the end of the conversation), and the search results that were left on a phone, as <side-area> has them.
 */

import { newId } from "./lib/ids.js";

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

/** {seq, top} of <message-list> `list`, which shows conversation `key`. */
export function placeIn(list, key) {
  if (list.showsEndOf(key)) return { seq: null, top: 0 };
  const { top } = scroller(list).getBoundingClientRect();
  const row = [...list.querySelectorAll("chat-message[data-seq]")].find((one) => one.getBoundingClientRect().bottom > top);
  return { seq: row ? Number(row.dataset.seq) : null, top: row ? row.getBoundingClientRect().top - top : 0 };
}

/** Scrolls to a place whose message is loaded. */
export function scrollTo(list, { seq, top }) {
  if (!list.reveal(seq, { focus: false })) return;
  const row = list.querySelector(`chat-message[data-seq="${seq}"]`);
  row.classList.remove("message-found");
  scroller(list).scrollTop += row.getBoundingClientRect().top - scroller(list).getBoundingClientRect().top - top;
}

const scroller = (list) => list.querySelector(".messages-scroll");
