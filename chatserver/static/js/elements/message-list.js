/**
 * <message-list>: the messages of the open conversation. Owns the scroll position: at the end it stays
 * there, anywhere else what is being read does not move. Holds at most 300 messages in the page.
 *
 * Sends `history:wanted` near the start of what is held, `future:wanted` near the end of a stretch of the
 * past, `end:wanted` to leave it, `end:reached` when the end is in view, `messages:seen` {key, seq} when all up to
 * there has been on screen, `place:wanted` {seq, top} to return to where a message was sent from.
 */

import { ConversationStart } from "../ui/conversation-start.js";
import { say } from "../ui/dom.js";
import { JumpButtons } from "../ui/jump-buttons.js";
import { firstNew, rows } from "../lib/layout.js";
import { Span } from "../lib/virtual-window.js";
import { MessageRows } from "../ui/message-rows.js";
import { PointerHold } from "../ui/pointer-hold.js";
import { SeenMessages } from "../ui/seen-messages.js";

const NEAR_END = 100; // pixels
const NEAR_EDGE = 600; // pixels from which more is brought in
const ABOVE_NEW = 72; // pixels that stay visible above the "New" line or the first unread message
const AIMS = "message-actions, .reaction, .message-status"; // what acts on the message that it stands beside

class MessageList extends HTMLElement {
  #scroller = this.querySelector(".messages-scroll");
  #content = this.querySelector(".messages-content");
  #rows = new MessageRows(this, this.#scroller);
  #buttons = new JumpButtons(this, {
    scroller: this.#scroller,
    toEnd: () => this.toEnd(),
    goBack: () => say(this, "place:wanted", this.#left),
  });
  #start = new ConversationStart(this);
  #actions = this.querySelector("message-actions");
  #span = new Span();
  #stuck = true; // to the end
  #end = 0; // the scroll position that was the end
  #left = null; // {seq, top, unread}: the place from which the user sent a message and was brought to the end, and what was unread
  #view = { key: null, items: [], seenBy: [], loaded: false };
  #next = null; // the view that waits while a mouse aims at a button of a message
  #aim = new PointerHold(this, { controls: AIMS, release: () => this.#next && this.show(this.#next) });
  #read = new SeenMessages({
    onScreen: () => this.#rows.onScreen,
    report: (position) => say(this, "messages:seen", position),
    onWatched: () => say(this, "end:reached"),
  });

  connectedCallback() {
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    const resized = new ResizeObserver(() => this.#stuck && this.#scrollToEnd());
    resized.observe(this.#content);
    resized.observe(this.#scroller);
  }

  /** True when the end of conversation `key` is in view. */
  showsEndOf(key) {
    return this.#view.key === key && this.#next === null && this.#view.loaded && this.#looksAtEnd();
  }

  /** True when the user watches that end, and sending a message has not led there past unread messages. */
  watchesEndOf(key) {
    return this.showsEndOf(key) && !this.#skipsUnread && this.#read.isWatched;
  }

  get #skipsUnread() {
    return this.#left !== null && this.#left.unread > 0;
  }

  /**
   * {key, kind, isPrivate, name, items, newAfter, read, unread, loaded, hasOlder, hasNewer, editing, display(user), isUser(name), find(seq),
   * seenBy, rights}; `items` in order; `read`: the last seq that was read; `hasNewer`: the end is elsewhere; `seenBy`: names of who has read the last one;
   * `rights`: as <message-actions> has them.
   */
  show(view) {
    this.#next = this.#aim.held && view.key === this.#view.key ? view : null;
    if (this.#next) return;
    const opened = view.key !== this.#view.key || (view.loaded && !this.#view.loaded);
    this.#read.show(view);
    this.#view = view;
    this.dataset.state = view.loaded ? "loaded" : "loading";
    this.#start.show(view);
    this.#stuck &&= !view.hasNewer && this.#looksAtEnd();
    if (opened) this.#restart();
    else if (this.#stuck) this.#follow();
    else this.#rows.hold(() => this.#draw());
    this.#showJump();
    this.#reach();
  }

  /** `returns`: offers the way back to the place that is left. */
  toEnd({ returns = false } = {}) {
    this.#left = returns && !this.#looksAtEnd() ? { ...this.place, unread: 0 } : null;
    this.#goToEnd();
  }

  /** The end, where the message that was just sent is. From further up the user can return; what is between stays unread. */
  showSent() {
    if (this.#looksAtEnd()) this.#left = this.#skipsUnread ? this.#left : null;
    else this.#left ??= { ...this.place, unread: this.#view.unread };
    this.#goToEnd();
  }

  #goToEnd() {
    if (this.#view.hasNewer) say(this, "end:wanted"); // whoever hears it shows the end
    this.#span.toEnd();
    this.#stuck = true;
    this.#draw();
    this.#scrollToEnd();
    this.#read.settle();
    this.#arrived();
  }

  /** Brings message `seq` into the middle of the view, marks it, gives it the `focus`. False without one. */
  reveal(seq, { focus = true } = {}) {
    const { items } = this.#view;
    const item = items.find((one) => one.seq === seq);
    if (!item || !this.#span.around(items, item.key)) return false;
    this.#left = null;
    this.#stuck = false;
    this.#draw();
    this.#rows.reveal(seq, { focus });
    this.#scrolled();
    return true;
  }

  /** {seq, top}: the first visible message, and how far it is below the top; `seq` is null at the end. */
  get place() {
    return this.showsEndOf(this.#view.key) ? { seq: null, top: 0 } : this.#rows.place;
  }

  /** Scrolls to a `place`. Without its message, and instead of the end, as when the conversation is opened. */
  showPlace({ seq, top }) {
    if (seq === null || !this.reveal(seq, { focus: false })) this.#restart();
    else this.#rows.scrollTo(seq, top);
  }

  scrollByPage(direction) {
    this.#scroller.scrollBy({ top: direction * this.#scroller.clientHeight * 0.8 });
  }

  /** At the end, or at the first unread message when that is further up. */
  #restart() {
    this.#span = new Span();
    this.#left = null;
    this.#stuck = true;
    this.#draw();
    this.#turnTo(this.#firstUnread());
    this.#stuck = this.#isNearEnd();
    if (this.#stuck && this.#view.loaded) this.#arrived();
  }

  /** Stays at the end, unless many messages came at once: the first unread one of them has to be seen. */
  #follow() {
    const first = this.#firstUnread();
    const known = first && this.#rows.of(first.seq);
    this.#draw();
    if (!this.#skipsUnread && !known?.isConnected) this.#turnTo(first);
  }

  #firstUnread() {
    const { items, read, unread } = this.#view;
    return unread > 0 ? firstNew(items, read) : undefined;
  }

  /** Leaves the end for the unread message `item`, if there is one and it is not in view. */
  #turnTo(item) {
    if (!item) return;
    const top = this.#scroller.getBoundingClientRect().top;
    const drawn = this.#rows.of(item.seq);
    if (drawn?.getBoundingClientRect().top >= top) return;
    if (!drawn) this.#span.around(this.#view.items, item.key);
    this.#stuck = false;
    this.#draw();
    if (this.#view.read === 0 && !this.#view.hasOlder && !this.#span.hasEarlier) return void (this.#scroller.scrollTop = 0);
    const start = this.#rows.newLine ?? this.#rows.of(item.seq);
    this.#scroller.scrollTop += start.getBoundingClientRect().top - top - ABOVE_NEW;
  }

  #draw() {
    const { items, newAfter, loaded, hasOlder } = this.#view;
    const shown = this.#span.slice(items, { hold: !this.#stuck });
    this.#rows.draw(rows(shown, { newAfter, fromStart: !hasOlder && !this.#span.hasEarlier }), this.#view);
    this.#actions.rights = this.#view.rights;
    this.dataset.start = String(loaded && !hasOlder && !this.#span.hasEarlier);
    this.dataset.empty = String(loaded && items.length === 0);
    if (this.#stuck) this.#scrollToEnd();
  }

  #scrolled() {
    const stuck = this.#isNearEnd();
    const arrived = stuck && !this.#stuck;
    this.#stuck = stuck;
    this.#reach();
    this.#showJump();
    this.#read.look();
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
    this.#rows.hold(() => {
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
    this.#buttons.show({ isAtEnd: this.#stuck, unread: this.#view.unread, returns: this.#left !== null });
  }
}

customElements.define("message-list", MessageList);
