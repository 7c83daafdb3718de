/** Buttons at the edges of the scrolled list of conversations: they count unread ones out of view, and scroll to them. */

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

  /** Schedule a recount before the next frame. */
  update() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      const { above, below } = this.#beyond();
      this.#show(this.#above, above.length, aboveText);
      this.#show(this.#below, below.length, belowText);
    });
  }

  /** The unread rows out of view. */
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

  #show(button, count, textOf) {
    if (count === 0 && document.activeElement === button) this.#list.querySelector(".row").focus({ preventScroll: true });
    button.hidden = count === 0;
    button.querySelector("span").textContent = count === 0 ? "" : textOf(count);
  }

  /** Scroll only the list, not the page. */
  #go(row) {
    if (!row) return;
    const { top, height } = this.#list.getBoundingClientRect();
    this.#list.scrollTop += row.getBoundingClientRect().top - top - height / 2;
    row.focus({ preventScroll: true });
  }
}

const aboveText = (n) => ngettext("%(num)s unread conversation above", "%(num)s unread conversations above", n);
const belowText = (n) => ngettext("%(num)s unread conversation below", "%(num)s unread conversations below", n);
