/** The range of a long list that is in the page: at most `max` items, growing by `step` at its ends. */

export class VirtualWindow {
  #max;
  #step;
  #from = 0;
  #to = 0; // exclusive
  #first = null; // keys, because indexes move when older items arrive
  #last = null; // null: the window reaches the end of the list and follows it

  constructor({ max = 300, step = 60 } = {}) {
    this.#max = max;
    this.#step = step;
  }

  get atEnd() {
    return this.#last === null;
  }

  /** Whether the list has items before the window. */
  get hasEarlier() {
    return this.#from > 0;
  }

  /** The items in the window. With `hold`, a full window stays where it is instead of following the end. */
  slice(items, { hold = false } = {}) {
    this.#locate(items);
    if (hold && this.atEnd && this.#to - this.#from > this.#max) {
      this.#set(items, this.#from, this.#from + this.#max);
    }
    this.#set(items, Math.max(this.#from, this.#to - this.#max), this.#to);
    return items.slice(this.#from, this.#to);
  }

  earlier(items) {
    this.#locate(items);
    const from = Math.max(0, this.#from - this.#step);
    this.#set(items, from, Math.min(this.#to, from + this.#max));
  }

  later(items) {
    this.#locate(items);
    const to = Math.min(items.length, this.#to + this.#step);
    this.#set(items, Math.max(this.#from, to - this.#max), to);
  }

  /** Move the window around the item with that key. Returns whether there is one. */
  around(items, key) {
    const index = items.findIndex((item) => item.key === key);
    if (index < 0) return false;
    const from = Math.max(0, index - this.#step / 2);
    this.#set(items, from, Math.min(items.length, from + this.#step));
    return true;
  }

  /** Move the window to the newest items. */
  toEnd() {
    this.#first = null;
    this.#last = null;
  }

  #locate(items) {
    const index = (key) => items.findIndex((item) => item.key === key);
    const last = this.#last === null ? -1 : index(this.#last);
    if (last < 0) this.#last = null;
    this.#to = last < 0 ? items.length : last + 1;
    const first = this.#first === null ? -1 : index(this.#first);
    this.#from = first < 0 ? Math.max(0, this.#to - this.#step) : Math.min(first, this.#to);
  }

  #set(items, from, to) {
    this.#from = from;
    this.#to = to;
    this.#first = items[from]?.key ?? null;
    this.#last = to >= items.length ? null : items[to - 1].key;
  }
}
