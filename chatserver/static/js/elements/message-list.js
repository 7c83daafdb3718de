/**
 * <message-list>: the messages of the open conversation. Owns the scroll position: at the end it stays
 * there, anywhere else what is being read does not move. Holds at most 300 messages in the page.
 *
 * Sends `history:wanted` near the start of what is held, `future:wanted` near the end of a stretch of the
 * past, `end:wanted` to leave it, `end:reached` when the end is in view.
 */

import { say } from "../dom.js";
import { _, ngettext } from "../lib/i18n.js";
import { firstNew, rows } from "../lib/layout.js";
import { roomKey } from "../lib/route.js";
import { Span } from "../lib/span.js";
import { badge } from "../lib/unread.js";
import { MessageRows } from "../message-rows.js";
import { lang } from "../page.js";
import { PointerHold } from "../pointer-hold.js";
import { LOBBY } from "../protocol.js";

const NEAR_END = 100; // pixels
const NEAR_EDGE = 600; // pixels from which more is brought in
const ABOVE_NEW = 72; // pixels that stay visible above the "New" line or the first unread message

const AIMS = "message-actions, .reaction, .message-status"; // what acts on the message that it stands beside

class MessageList extends HTMLElement {
  #scroller = this.querySelector(".messages-scroll");
  #content = this.querySelector(".messages-content");
  #rows = this.querySelector(".messages-rows");
  #jump = this.querySelector(".messages-jump");
  #names = [...this.querySelectorAll(".start-name")];
  #seen = this.querySelector(".messages-seen");
  #actions = this.querySelector("message-actions");
  #drawn = new MessageRows(this.#rows);
  #span = new Span();
  #stuck = true; // to the end
  #end = 0; // the scroll position that was the end
  #view = { key: null, items: [], seenBy: [], loaded: false };
  #next = null; // the view that waits while a mouse aims at a button of a message
  #aim = new PointerHold(this, { controls: AIMS, release: () => this.#next && this.show(this.#next) });

  connectedCallback() {
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#jump.addEventListener("click", () => this.toEnd());
    this.#jump.addEventListener("wheel", ({ deltaY }) => this.#scroller.scrollBy(0, deltaY), { passive: true });
    const resized = new ResizeObserver(() => this.#stuck && this.#scrollToEnd());
    resized.observe(this.#content);
    resized.observe(this.#scroller);
  }

  /** True when the end of conversation `key` is in view. */
  showsEndOf(key) {
    return this.#view.key === key && this.#next === null && this.#view.loaded && this.#looksAtEnd();
  }

  /**
   * {key, kind, isPrivate, name, items, newAfter, read, unread, loaded, hasOlder, hasNewer, display(user), isUser(name), find(seq),
   * seenBy, rights}; `items` in order; `read`: the last seq that was read; `hasNewer`: the end is elsewhere; `seenBy`: names of who has read the last one;
   * `rights`: as <message-actions> has them.
   */
  show(view) {
    this.#next = this.#aim.held && view.key === this.#view.key ? view : null;
    if (this.#next) return;
    const opened = view.key !== this.#view.key || (view.loaded && !this.#view.loaded);
    this.#view = view;
    this.dataset.state = view.loaded ? "loaded" : "loading";
    this.dataset.kind = view.kind;
    this.dataset.private = String(view.isPrivate);
    this.dataset.lobby = String(view.key === roomKey(LOBBY));
    for (const element of this.#names) element.textContent = view.name;
    this.#stuck &&= !view.hasNewer && this.#looksAtEnd();
    if (opened) this.#restart();
    else if (this.#stuck) this.#follow();
    else this.#hold(() => this.#draw());
    this.#showJump();
    this.#reach();
  }

  toEnd() {
    if (this.#view.hasNewer) say(this, "end:wanted"); // whoever hears it shows the end
    this.#span.toEnd();
    this.#stuck = true;
    this.#draw();
    this.#scrollToEnd();
    this.#arrived();
  }

  /** Brings message `seq` into the middle of the view, marks it, gives it the `focus`. False without one. */
  reveal(seq, { focus = true } = {}) {
    const { items } = this.#view;
    const item = items.find((one) => one.seq === seq);
    if (!item || !this.#span.around(items, item.key)) return false;
    this.#stuck = false;
    this.#draw();
    const row = this.#rowOf(seq);
    if (row) this.#center(row);
    row?.classList.remove("message-found");
    if (focus) row?.focus({ preventScroll: true });
    row?.classList.add("message-found");
    this.#scrolled();
    return true;
  }

  scrollByPage(direction) {
    this.#scroller.scrollBy({ top: direction * this.#scroller.clientHeight * 0.8 });
  }

  #center(row) {
    const { top, height } = this.#scroller.getBoundingClientRect();
    const place = row.getBoundingClientRect();
    this.#scroller.scrollTop += place.top + place.height / 2 - (top + height / 2);
  }

  /** At the end, or at the first unread message when that is further up. */
  #restart() {
    this.#span = new Span();
    this.#stuck = true;
    this.#draw();
    this.#turnTo(this.#firstUnread());
    this.#stuck = this.#isNearEnd();
    if (this.#stuck && this.#view.loaded) this.#arrived();
  }

  /** Stays at the end, unless many messages came at once: the first unread one of them has to be seen. */
  #follow() {
    const first = this.#firstUnread();
    const known = first && this.#rowOf(first.seq);
    this.#draw();
    if (!known?.isConnected) this.#turnTo(first);
  }

  #firstUnread() {
    const { items, read, unread } = this.#view;
    return unread > 0 ? firstNew(items, read) : undefined;
  }

  /** Leaves the end for the unread message `item`, if there is one and it is not in view. */
  #turnTo(item) {
    if (!item) return;
    const top = this.#scroller.getBoundingClientRect().top;
    const drawn = this.#rowOf(item.seq);
    if (drawn?.getBoundingClientRect().top >= top) return;
    if (!drawn) this.#span.around(this.#view.items, item.key);
    this.#stuck = false;
    this.#draw();
    const start = this.#rows.querySelector(".new-line") ?? this.#rowOf(item.seq);
    this.#scroller.scrollTop += start.getBoundingClientRect().top - top - ABOVE_NEW;
  }

  #rowOf(seq) {
    return this.#rows.querySelector(`[data-seq="${Number(seq)}"]`);
  }

  #draw() {
    const { items, newAfter, loaded, hasOlder } = this.#view;
    const shown = this.#span.slice(items, { hold: !this.#stuck });
    const fromStart = !hasOlder && !this.#span.hasEarlier;
    this.#drawn.draw(rows(shown, { newAfter, fromStart }), this.#view);
    this.#showSeen();
    this.#actions.rights = this.#view.rights;
    this.dataset.start = String(loaded && fromStart);
    this.dataset.empty = String(loaded && items.length === 0);
    if (this.#stuck) this.#scrollToEnd();
  }

  #showSeen() {
    const [seen, { seenBy }] = [this.#seen, this.#view];
    const people = new Intl.ListFormat(lang, { style: "narrow" }).format(seenBy);
    seen.hidden = seenBy.length === 0;
    seen.textContent = seen.hidden ? "" : _("Seen by %(people)s", { people });
  }

  /** Draws and puts the first visible message back to where it was: lines between them come and go. */
  #hold(draw) {
    const top = this.#scroller.getBoundingClientRect().top;
    const rows = [...this.#rows.querySelectorAll(":scope > :not(.day-line, .new-line)")];
    const anchor = rows.find((row) => row.getBoundingClientRect().bottom > top);
    const before = anchor?.getBoundingClientRect().top ?? 0;
    draw();
    if (!anchor?.isConnected) return;
    this.#scroller.scrollTop += anchor.getBoundingClientRect().top - before;
  }

  #scrolled() {
    const stuck = this.#isNearEnd();
    const arrived = stuck && !this.#stuck;
    this.#stuck = stuck;
    this.#reach();
    this.#showJump();
    if (arrived) this.#arrived();
  }

  /** Brings in more at the edge that is near: from memory, else from the server. */
  #reach() {
    const { items, hasOlder, loaded } = this.#view;
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    if (!loaded || items.length === 0) return;
    if (scrollTop < NEAR_EDGE) {
      if (this.#span.hasEarlier) this.#extend(() => this.#span.earlier(items));
      else if (hasOlder) say(this, "history:wanted");
    }
    if (scrollHeight - scrollTop - clientHeight >= NEAR_EDGE) return;
    if (!this.#span.atEnd) this.#extend(() => this.#span.later(items));
    else if (this.#view.hasNewer) say(this, "future:wanted");
  }

  #extend(change) {
    const stuck = this.#stuck && this.#span.atEnd;
    this.#hold(() => {
      change();
      this.#stuck = false;
      this.#draw();
    });
    this.#stuck = stuck;
    if (stuck) this.#scrollToEnd();
  }

  /** Scrolling is told a frame later: until then the position says who has left the end. */
  #looksAtEnd() {
    this.#stuck &&= this.#scroller.scrollTop >= this.#end || this.#isNearEnd();
    return this.#stuck;
  }

  #isNearEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    return this.#span.atEnd && !this.#view.hasNewer && scrollHeight - scrollTop - clientHeight <= NEAR_END;
  }

  #scrollToEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#end = this.#scroller.scrollTop;
  }

  #arrived() {
    this.#showJump();
    say(this, "end:reached");
  }

  #showJump() {
    const { unread } = this.#view;
    this.#jump.hidden = this.#stuck;
    this.#jump.classList.toggle("messages-jump-new", unread > 0);
    this.#jump.querySelector(".jump-words").textContent =
      unread > 0
        ? ngettext("%(count)s new", "%(count)s new", unread, { count: badge(unread) })
        : _("Jump to the latest");
  }
}

customElements.define("message-list", MessageList);
