/**
 * Looking at the past: shows a stretch around one message, however old, without loading what is between.
 * The stretch belongs to its conversation; when it grows up to what is held of the end, both become one.
 */

import { History } from "../net/history.js";
import { HistoryWindow } from "../lib/history-window.js";
import { PAGE } from "../net/protocol.js";

const BEHIND = 25; // events behind the message that is shown
const TRIES = 10; // pages in which the first unread message is looked for

export class HistoryJump {
  #history;
  #changed;

  /** `changed()`: what is shown of a conversation is another. */
  constructor(connection, changed) {
    this.#history = new History(connection, () => {});
    this.#changed = changed;
  }

  /** A stretch around message `seq`. Says whether it is there. */
  async visit(conversation, seq) {
    const upTo = Math.min(seq + BEHIND, conversation.timeline.oldest - 1);
    const page = await this.#page(conversation, upTo);
    if (!page?.events.some((event) => event.seq === seq)) return false;
    conversation.historyWindow = new HistoryWindow({ ...page, upTo });
    this.#join(conversation);
    this.#changed();
    return true;
  }

  /** Whether the first unread message is further back than the newest page; the room is not shown until `open` has it. */
  seek(conversation) {
    const { timeline, read, unread, historyWindow } = conversation;
    const behind = unread > 0 && timeline.head - read >= PAGE;
    const held = timeline.loaded && (timeline.oldest <= read + 1 || !timeline.hasOlder);
    conversation.seeking = behind && !held && historyWindow === null;
    return conversation.seeking;
  }

  /** Loads the newest page, which `feed` does, and a stretch around the first unread message where that is further back. */
  async open(conversation, feed) {
    const seeks = this.seek(conversation);
    const [found] = await Promise.all([seeks && this.#firstUnread(conversation), feed.open(conversation)]);
    if (seeks) this.#showNew(conversation, found);
  }

  /** Once both are there: a stretch that is drawn before its end is known would jump when that comes. */
  #showNew(conversation, found) {
    conversation.seeking = false;
    if (found?.events.length > 0) conversation.historyWindow = new HistoryWindow(found);
    if (conversation.historyWindow && conversation.timeline.loaded) this.#join(conversation);
    this.#changed();
  }

  /** {events, more, upTo} around the first unread message: own messages and acts may stand before it. */
  async #firstUnread(conversation) {
    const { head } = conversation.timeline;
    let found = null;
    for (let tries = 0, upTo = conversation.read + BEHIND; tries < TRIES; tries += 1, upTo += PAGE) {
      const page = await this.#page(conversation, Math.min(upTo, head));
      if (!page) break;
      found = { ...page, upTo: Math.min(upTo, head) };
      if (upTo >= head || page.events.some((event) => conversation.isNews(event))) break;
    }
    return found;
  }

  async older(conversation) {
    const { historyWindow } = conversation;
    const page = historyWindow.hasOlder && (await this.#page(conversation, historyWindow.oldest - 1));
    if (!page || conversation.historyWindow !== historyWindow) return;
    historyWindow.prepend(page);
    this.#changed();
  }

  async newer(conversation) {
    const { historyWindow, timeline } = conversation;
    const upTo = Math.min(historyWindow.upTo + PAGE, timeline.oldest - 1);
    const page = await this.#page(conversation, upTo);
    if (!page || conversation.historyWindow !== historyWindow) return;
    historyWindow.append({ ...page, upTo });
    this.#join(conversation);
    this.#changed();
  }

  leave(conversation) {
    conversation.historyWindow = null;
  }

  /** The last messages up to `upTo`, as they are now. */
  async #page(conversation, upTo) {
    const page = await this.#history.page(conversation, upTo + 1, PAGE);
    const { timeline } = conversation;
    return page && { ...page, events: page.events.map((event) => timeline.updated(event, page.head)) };
  }

  /** Nothing is missing any more between the stretch and what is held of the end. */
  #join(conversation) {
    const { historyWindow, timeline } = conversation;
    if (historyWindow.upTo + 1 < timeline.oldest) return;
    timeline.prepend({ events: historyWindow.events, more: historyWindow.hasOlder });
    conversation.historyWindow = null;
  }
}
