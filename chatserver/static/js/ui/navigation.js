/**
 * Leads to messages of the open conversation: to the one that the address names, and with Back to the place that a link
 * or a quote was followed from.
 *
 * Hears `message:jump` {seq} and `place:wanted` {seq, top}.
 */

import { call } from "./lazy-load.js";
import { goTo } from "./layers.js";
import { _ } from "../lib/i18n.js";
import { hashOf, keyIn, messageOf } from "../lib/route.js";
import { HISTORY_LIMIT } from "../net/protocol.js";
import { Visits } from "../state/visits.js";

const TRIES = 4; // questions for older pages
const NEAR = 200; // events behind which a message is visited instead of loading what is between

export class Navigation {
  #app;
  #feed;
  #historyJump;
  #current;
  #draw;
  #visits = new Visits();
  #jumped = null; // to this message, once
  #left = null; // the place to return to when its conversation is loaded

  /** `current()`: the open conversation; `draw()` brings the page up to date at once. */
  constructor(app, { feed, historyJump, current, draw }) {
    this.#app = app;
    this.#feed = feed;
    this.#historyJump = historyJump;
    this.#current = current;
    this.#draw = draw;
    app.addEventListener("message:jump", ({ detail }) => this.#follow(detail));
    app.addEventListener("place:wanted", ({ detail }) => this.#returnTo(detail));
  }

  /** True when the address was changed by Back or Forward, to a place that is known. */
  get isReturn() {
    return this.#left !== null;
  }

  /** The address has changed; conversation `key` is still shown. A conversation with unread messages opens at these. */
  turn(key) {
    const side = this.#part("side-area");
    const place = this.#visits.switchEntry({ key, ...this.#part("message-list").place, panel: side.takeLeft?.() });
    const isThere = place?.key === keyIn(location.hash);
    this.#left = isThere && (place.key === key || this.#feed.get(place.key).unread === 0) ? place : null;
    this.#jumped = null;
    if (place?.panel) side.resume(place.panel);
  }

  /** The conversation is loaded: shows the place. Once each, what loads again is not scrolled again. */
  arrive() {
    const [left, seq] = [this.#left, messageOf(location.hash)];
    this.#left = null;
    if (left === null && (seq === null || seq === this.#jumped)) return;
    this.#jumped = seq;
    if (left === null) this.#jump(seq);
    else this.#returnTo(left);
  }

  /** As a link to the message does: Back returns to the place that is left. */
  #follow({ seq }) {
    const hash = hashOf(this.#current().key, seq);
    if (hash === location.hash) this.#jump(seq);
    else goTo(hash);
  }

  /** Shows message `seq` of the open conversation; one that is far back without what is between. */
  async #jump(seq) {
    const conversation = this.#current();
    const composer = this.#part("message-composer");
    const before = [document.activeElement, composer.text];
    const found = await this.#bring(conversation, seq);
    if (conversation !== this.#current()) return;
    const focus = document.activeElement === before[0] && composer.text === before[1]; // else the user went on writing
    this.#draw();
    if (!found || !this.#part("message-list").reveal(seq, { focus })) this.#miss(conversation);
  }

  /** At the end, unless that would pass by what is unread. */
  #miss({ unread }) {
    if (unread === 0) this.#part("message-list").toEnd();
    call(this.#part("toast-line"), "say", _("This message was deleted or does not exist."));
  }

  /** Shows a place of the open conversation as <message-list> has it. */
  async #returnTo(place) {
    const conversation = this.#current();
    if (place.seq === null) this.#historyJump.leave(conversation);
    else await this.#bring(conversation, place.seq);
    if (conversation !== this.#current()) return;
    this.#draw();
    this.#part("message-list").showPlace(place);
  }

  /** Loads message `seq`. Returns false where it cannot exist. */
  async #bring(conversation, seq) {
    const { timeline } = conversation;
    if (conversation.historyWindow?.holds(seq)) return true;
    if (seq > timeline.head) return false;
    if (timeline.oldest - seq > NEAR) return this.#historyJump.showAround(conversation, seq);
    this.#historyJump.leave(conversation);
    // Another page may be under way, and then the first answer comes to nothing.
    for (let tries = 0; timeline.oldest > seq && tries < TRIES; tries += 1) {
      await this.#feed.loadOlder(conversation, HISTORY_LIMIT);
    }
    return true;
  }

  #part(name) {
    return this.#app.querySelector(name);
  }
}
