/**
 * Scrolls to messages of the open conversation: to the one in the address, and with Back to the position from which a link
 * or a quote was followed.
 *
 * Listens to `message:jump` {seq} and `position:requested` {seq, top}, and to clicks on links with data-file: the id
 * of a file of the message, which is scrolled to if the message is tall.
 */

import { call } from "./lazy-load.js";
import { goTo } from "./layers.js";
import { _ } from "../lib/i18n.js";
import { hashOf, keyIn, messageOf } from "../lib/route.js";
import { HISTORY_LIMIT } from "../net/protocol.js";
import { Visits } from "../state/visits.js";

const MAX_PAGES = 4; // requests for older pages
const MAX_DISTANCE = 200; // events; for a message further back, what is in between is not loaded

export class Navigation {
  #app;
  #conversations;
  #historyJump;
  #current;
  #draw;
  #visits = new Visits();
  #file = null; // id of the file of the link that was followed last
  #jumped = null; // seq of the message that was scrolled to, once
  #returnPosition = null; // the position to restore when its conversation is loaded

  /** `current()`: the open conversation; `draw()` redraws the page at once. */
  constructor(app, { conversations, historyJump, current, draw }) {
    this.#app = app;
    this.#conversations = conversations;
    this.#historyJump = historyJump;
    this.#current = current;
    this.#draw = draw;
    app.addEventListener("click", ({ target }) => (this.#file = target.closest("a[data-file]")?.dataset.file), { capture: true });
    app.addEventListener("message:jump", ({ detail }) => this.#follow(detail));
    app.addEventListener("position:requested", ({ detail }) => this.#returnTo(detail));
  }

  /** Whether Back or Forward changed the address, to a known position. */
  get isReturn() {
    return this.#returnPosition !== null;
  }

  /** Whether the conversation of the address was opened already: see navigate() in layers.js. */
  get isAtAddress() {
    return this.#visits.isCurrent;
  }

  /**
   * Called after a change of the address, while conversation `key` is still shown. Unread messages take precedence over
   * the position.
   */
  addressChanged(key) {
    const side = this.#part("side-area");
    const position = this.#visits.switchEntry({ key, ...this.#part("message-list").position, panel: side.takeClosedResults?.() });
    const isOfAddress = position?.key === keyIn(location.hash);
    this.#returnPosition = isOfAddress && (position.key === key || this.#conversations.get(position.key).unread === 0) ? position : null;
    this.#jumped = null;
    if (position?.panel) side.resume(position.panel);
  }

  /** Scroll when the conversation is loaded; not again if it is loaded again. */
  conversationLoaded() {
    const [position, seq] = [this.#returnPosition, messageOf(location.hash)];
    this.#returnPosition = null;
    if (position === null && (seq === null || seq === this.#jumped)) return;
    this.#jumped = seq;
    if (position === null) this.#jump(seq);
    else this.#returnTo(position);
  }

  /** Follow a quote as a link to the message, so that Back returns to the present position. */
  #follow({ seq }) {
    const hash = hashOf(this.#current().key, seq);
    if (hash === location.hash) this.#jump(seq);
    else goTo(hash);
  }

  /** Show message `seq` of the open conversation. */
  async #jump(seq) {
    const conversation = this.#current();
    const composer = this.#part("message-composer");
    const before = [document.activeElement, composer.text];
    const found = await this.#loadMessage(conversation, seq);
    if (conversation !== this.#current()) return;
    const focus = document.activeElement === before[0] && composer.text === before[1]; // otherwise the user has continued typing
    this.#draw();
    if (!found || !this.#part("message-list").reveal(seq, { focus, file: this.#file })) this.#reportMissing(conversation);
  }

  /** Report a missing message; scroll to the end unless there are unread messages. */
  #reportMissing({ unread }) {
    if (unread === 0) this.#part("message-list").toEnd();
    call(this.#part("toast-line"), "show", _("This message was deleted or does not exist."));
  }

  /** Restore a position of the open conversation, as <message-list> has it. */
  async #returnTo(position) {
    const conversation = this.#current();
    if (position.seq === null) this.#historyJump.leave(conversation);
    else await this.#loadMessage(conversation, position.seq);
    if (conversation !== this.#current()) return;
    this.#draw();
    this.#part("message-list").showPosition(position);
  }

  /** Load message `seq`. Returns false if it cannot exist. */
  async #loadMessage(conversation, seq) {
    const { timeline } = conversation;
    if (conversation.historyWindow?.holds(seq)) return true;
    if (seq > timeline.head) return false;
    if (timeline.oldest - seq > MAX_DISTANCE) return this.#historyJump.showAround(conversation, seq);
    this.#historyJump.leave(conversation);
    // A request that is already running can make the first one return nothing.
    for (let tries = 0; timeline.oldest > seq && tries < MAX_PAGES; tries += 1) {
      await this.#conversations.loadOlder(conversation, HISTORY_LIMIT);
    }
    return true;
  }

  #part(name) {
    return this.#app.querySelector(name);
  }
}
