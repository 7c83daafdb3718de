/**
 * <message-list>: the messages of the open conversation. Owns the scroll position: it follows the end, and anywhere
 * else the visible messages do not move. At most 300 messages are in the page.
 *
 * Dispatches `older:requested` near the start of the loaded messages, `newer:requested` near the end of a HistoryWindow,
 * `end:requested` to leave it, `end:reached` when the end is in view, `messages:seen` {key, seq} when all messages up to
 * `seq` have been on screen, `position:requested` {seq, top} to return to the position from which a message was sent.
 */

import { ConversationStart } from "../ui/conversation-start.js";
import { emit } from "../ui/dom.js";
import { EndFollower } from "../ui/end-follower.js";
import { JumpButtons } from "../ui/jump-buttons.js";
import { firstNew, rows } from "../lib/layout.js";
import { VirtualWindow } from "../lib/virtual-window.js";
import { MessageRows } from "../ui/message-rows.js";
import { PointerHold } from "../ui/pointer-hold.js";
import { SeenMessages } from "../ui/seen-messages.js";

const NEAR_EDGE = 600; // pixels from an edge at which more messages are loaded
const ABOVE_NEW = 72; // pixels that stay visible above the "New" line or the first unread message
const CONTROLS = "message-actions, .reaction, .message-status"; // which belong to the message next to them

class MessageList extends HTMLElement {
  #scroller = this.querySelector(".messages-scroll");
  #rows = new MessageRows(this, this.#scroller);
  #buttons = new JumpButtons(this, {
    scroller: this.#scroller,
    toEnd: () => this.toEnd(),
    goBack: () => emit(this, "position:requested", this.#returnPosition),
  });
  #start = new ConversationStart(this);
  #actions = this.querySelector("message-actions");
  #window = new VirtualWindow();
  #end = new EndFollower({
    scroller: this.#scroller,
    content: this.querySelector(".messages-content"),
    isLastShown: () => this.#window.atEnd && !this.#view.hasNewer,
  });
  #returnPosition = null; // {seq, top, unread}: the position from which sending a message scrolled to the end, and the unread count there
  #view = { key: null, items: [], seenBy: [], loaded: false };
  #nextView = null; // delayed while the mouse moves over controls of a message
  #pointerHold = new PointerHold(this, { controls: CONTROLS, release: () => this.#nextView && this.show(this.#nextView) });
  #seenMessages = new SeenMessages({
    onScreen: () => this.#rows.onScreen,
    report: (position) => emit(this, "messages:seen", position),
    onWatched: () => emit(this, "end:reached"),
  });

  connectedCallback() {
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
  }

  /** Whether the end of conversation `key` is in view. */
  showsEndOf(key) {
    return this.#view.key === key && this.#nextView === null && this.#view.loaded && this.#end.isAtEnd();
  }

  /** Whether the user watches that end, unless sending a message has scrolled past unread messages. */
  watchesEndOf(key) {
    return this.showsEndOf(key) && !this.#skipsUnread && this.#seenMessages.isWatched;
  }

  get #skipsUnread() {
    return this.#returnPosition !== null && this.#returnPosition.unread > 0;
  }

  /**
   * {key, kind, isPrivate, name, items, newAfter, read, unread, loaded, hasOlder, hasNewer, editing, display(user),
   * isUser(name), userOf(key), roomOf(name), author(user), find(seq), seenBy, rights}; `items` in order; `read`: the last seq that was read;
   * `hasNewer`: a HistoryWindow is shown; `seenBy`: names of users who have read the last one; `rights`: see
   * <message-actions>.
   */
  show(view) {
    this.#nextView = this.#pointerHold.held && view.key === this.#view.key ? view : null;
    if (this.#nextView) return;
    const opened = view.key !== this.#view.key || (view.loaded && !this.#view.loaded);
    this.#seenMessages.show(view);
    this.#view = view;
    this.dataset.state = view.loaded ? "loaded" : "loading";
    this.#start.show(view);
    this.#end.follows &&= !view.hasNewer && this.#end.isAtEnd();
    if (opened) this.#restart();
    else if (this.#end.follows) this.#follow();
    else this.#rows.hold(() => this.#draw());
    this.#showJump();
    this.#loadAtEdges();
  }

  /** Scroll to the end. `returns`: offer a button to return to the present position. */
  toEnd({ returns = false } = {}) {
    this.#returnPosition = returns && !this.#end.isAtEnd() ? { ...this.position, unread: 0 } : null;
    this.#goToEnd();
  }

  /** Scroll to the message that was just sent. The user can return; the messages in between stay unread. */
  showSent() {
    if (this.#end.isAtEnd()) this.#returnPosition = this.#skipsUnread ? this.#returnPosition : null;
    else this.#returnPosition ??= { ...this.position, unread: this.#view.unread };
    this.#goToEnd();
  }

  #goToEnd() {
    if (this.#view.hasNewer) emit(this, "end:requested"); // the listener shows the newest messages
    this.#window.toEnd();
    this.#end.follows = true;
    this.#draw();
    this.#seenMessages.watchNow();
    this.#endReached();
  }

  /**
   * Scroll message `seq`, or its file `file`, into view and mark it; with `focus`, focus it. Returns false if it is not
   * loaded.
   */
  reveal(seq, { focus = true, file } = {}) {
    const { items } = this.#view;
    const item = items.find((one) => one.seq === seq);
    if (!item || !this.#window.around(items, item.key)) return false;
    this.#returnPosition = null;
    this.#end.follows = false;
    this.#draw();
    this.#rows.reveal(seq, { focus, file });
    this.#scrolled();
    return true;
  }

  /** {seq, top}: the first visible message and its distance from the top; `seq` is null at the end. */
  get position() {
    return this.showsEndOf(this.#view.key) ? { seq: null, top: 0 } : this.#rows.position;
  }

  /** Scroll to a `position`. If it is the end or its message is not loaded, scroll as when the conversation is opened. */
  showPosition({ seq, top }) {
    if (seq === null || !this.reveal(seq, { focus: false })) this.#restart();
    else this.#rows.scrollTo(seq, top);
  }

  /** Focus the last message, or the last one on screen. Returns false without messages. */
  focusLast() {
    const row = (this.#end.follows ? null : this.#rows.lastOnScreen) ?? this.#rows.last;
    row?.focus();
    return row !== null;
  }

  scrollByPage(direction) {
    this.#scroller.scrollBy({ top: direction * this.#scroller.clientHeight * 0.8 });
  }

  /** Scroll to the end, or to the first unread message if that is further up. */
  #restart() {
    this.#window = new VirtualWindow();
    this.#returnPosition = null;
    this.#end.follows = true;
    this.#draw();
    this.#scrollUpTo(this.#firstUnread());
    this.#end.follows = this.#end.isNearEnd;
    if (this.#end.follows && this.#view.loaded) this.#endReached();
  }

  /** Stay at the end, unless that would scroll past the first unread message. */
  #follow() {
    const first = this.#firstUnread();
    const known = first && this.#rows.row(first.seq);
    this.#draw();
    if (!this.#skipsUnread && !known?.isConnected) this.#scrollUpTo(first);
  }

  #firstUnread() {
    const { items, read, unread } = this.#view;
    return unread > 0 ? firstNew(items, read) : undefined;
  }

  /** Scroll up to the unread message `item`, if there is one and it is above the view. */
  #scrollUpTo(item) {
    if (!item) return;
    const top = this.#scroller.getBoundingClientRect().top;
    const drawn = this.#rows.row(item.seq);
    if (drawn?.getBoundingClientRect().top >= top) return;
    if (!drawn) this.#window.around(this.#view.items, item.key);
    this.#end.follows = false;
    this.#draw();
    if (this.#view.read === 0 && !this.#view.hasOlder && !this.#window.hasEarlier) return void (this.#scroller.scrollTop = 0);
    const start = this.#rows.newLine ?? this.#rows.row(item.seq);
    this.#scroller.scrollTop += start.getBoundingClientRect().top - top - ABOVE_NEW;
  }

  #draw() {
    const { items, newAfter, loaded, hasOlder } = this.#view;
    const shown = this.#window.slice(items, { hold: !this.#end.follows });
    this.#rows.draw(rows(shown, { newAfter, fromStart: !hasOlder && !this.#window.hasEarlier }), this.#view);
    this.#actions.update?.(this.#view.rights); // loaded later
    this.dataset.start = String(loaded && !hasOlder && !this.#window.hasEarlier);
    this.dataset.empty = String(loaded && items.length === 0);
    this.#end.follow();
  }

  #scrolled() {
    const followed = this.#end.follows;
    const follows = this.#end.isAtEnd() || this.#end.isNearEnd;
    const reached = follows && !followed;
    this.#end.follows = follows;
    this.#loadAtEdges();
    this.#showJump();
    this.#seenMessages.check();
    if (reached) this.#endReached();
  }

  /** Show more messages at a near edge: loaded ones, otherwise request them. */
  #loadAtEdges() {
    const { items, hasOlder, loaded } = this.#view;
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    if (!loaded || items.length === 0) return;
    if (scrollTop < NEAR_EDGE) {
      if (this.#window.hasEarlier) this.#extend(() => this.#window.earlier(items));
      else if (hasOlder) emit(this, "older:requested");
    }
    if (scrollHeight - scrollTop - clientHeight >= NEAR_EDGE) return;
    if (!this.#window.atEnd) this.#extend(() => this.#window.later(items));
    else if (this.#view.hasNewer) emit(this, "newer:requested");
  }

  #extend(change) {
    const follows = this.#end.follows && this.#window.atEnd;
    this.#rows.hold(() => {
      change();
      this.#end.follows = false;
      this.#draw();
    });
    this.#end.follows = follows;
    this.#end.follow();
  }

  #endReached() {
    this.#showJump();
    emit(this, "end:reached");
  }

  #showJump() {
    this.#buttons.show({ isAtEnd: this.#end.follows, unread: this.#view.unread, returns: this.#returnPosition !== null });
  }
}

customElements.define("message-list", MessageList);
