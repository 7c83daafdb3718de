/** The buttons below a message list: to its end, and back to the position before a message was sent. */

import { ngettext, _ } from "../lib/i18n.js";
import { badge } from "../lib/unread.js";

export class JumpButtons {
  #jump;
  #back;

  /** `list`: the element that contains them and `scroller`; `toEnd()` and `goBack()`: their actions. */
  constructor(list, { scroller, toEnd, goBack }) {
    this.#jump = list.querySelector(".messages-jump");
    this.#back = list.querySelector(".messages-back");
    this.#jump.addEventListener("click", toEnd);
    this.#back.addEventListener("click", goBack);
    this.#jump.addEventListener("wheel", ({ deltaY }) => scroller.scrollBy(0, deltaY), { passive: true });
  }

  /** `isAtEnd`: the end is in view; `returns`: there is a position to return to. */
  show({ isAtEnd, unread, returns }) {
    this.#jump.hidden = isAtEnd;
    this.#back.hidden = !isAtEnd || !returns;
    this.#jump.classList.toggle("messages-jump-new", unread > 0);
    this.#jump.querySelector(".jump-label").textContent =
      unread > 0
        ? ngettext("%(count)s new", "%(count)s new", unread, { count: badge(unread) })
        : _("Jump to the latest");
  }
}
