/** Buttons at the edges of a scrolling list of conversations: unread ones beyond the edge, and a way there. */

import { ngettext } from "../lib/i18n.js";

const UNREAD = ".row-unread, .row:has(.badge-mentions:not([hidden]))";

export class UnreadEdges {
  #list;
  #above;
  #below;
  #frame = 0;

  /** `list` scrolls; its siblings .unread-above and .unread-below are the buttons. */
  constructor(list) {
    this.#list = list;
    this.#above = list.parentElement.querySelector(".unread-above");
    this.#below = list.parentElement.querySelector(".unread-below");
    this.#above.addEventListener("click", () => this.#go(this.#beyond().above.at(-1)));
    this.#below.addEventListener("click", () => this.#go(this.#beyond().below[0]));
    list.addEventListener("scroll", () => this.update(), { passive: true });
    new ResizeObserver(() => this.update()).observe(list);
  }

  /** Counts again before the next frame. */
  update() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      const { above, below } = this.#beyond();
      this.#show(this.#above, above.length, aboveWords);
      this.#show(this.#below, below.length, belowWords);
    });
  }

  /** The rows that are unread and not in view. */
  #beyond() {
    const { top, bottom, height } = this.#list.getBoundingClientRect();
    const rows = height > 0 ? [...this.#list.querySelectorAll(UNREAD)] : [];
    const middle = (row) => {
      const box = row.getBoundingClientRect();
      return (box.top + box.bottom) / 2;
    };
    return {
      above: rows.filter((row) => middle(row) < top),
      below: rows.filter((row) => middle(row) > bottom),
    };
  }

  #show(button, count, words) {
    if (count === 0 && document.activeElement === button) this.#list.querySelector(".row").focus({ preventScroll: true });
    button.hidden = count === 0;
    button.querySelector("span").textContent = count === 0 ? "" : words(count);
  }

  /** Only the list scrolls, not what is around it. */
  #go(row) {
    if (!row) return;
    const { top, height } = this.#list.getBoundingClientRect();
    this.#list.scrollTop += row.getBoundingClientRect().top - top - height / 2;
    row.focus({ preventScroll: true });
  }
}

const aboveWords = (n) => ngettext("%(num)s unread conversation above", "%(num)s unread conversations above", n);
const belowWords = (n) => ngettext("%(num)s unread conversation below", "%(num)s unread conversations below", n);
