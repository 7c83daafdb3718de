/**
 * Shows the messages around an old message without loading everything in between, as a HistoryWindow of the conversation.
 * When the window reaches the timeline, it is merged into it.
 */

import { History } from "../net/history.js";
import { HistoryWindow } from "../lib/history-window.js";
import { PAGE_SIZE } from "../net/protocol.js";

const EVENTS_AFTER = 25; // events that are shown after the message
const MAX_PAGES = 10; // that are searched for the first unread message

export class HistoryJump {
  #history;
  #changed;

  /** `changed()` is called when other messages have to be shown. */
  constructor(connection, changed) {
    this.#history = new History(connection, () => {});
    this.#changed = changed;
  }

  /** Show the messages around `seq`. Returns whether that message exists. */
  async showAround(conversation, seq) {
    const upTo = Math.min(seq + EVENTS_AFTER, conversation.timeline.oldest - 1);
    const page = await this.#page(conversation, upTo);
    if (!page?.events.some((event) => event.seq === seq)) return false;
    conversation.historyWindow = new HistoryWindow({ ...page, upTo });
    this.#merge(conversation);
    this.#changed();
    return true;
  }

  /**
   * Set `conversation.seeking` if the first unread message is before the newest page; the room is shown when `open` has
   * found it.
   */
  seek(conversation) {
    const { timeline, read, unread, historyWindow } = conversation;
    const isFar = unread > 0 && timeline.head - read >= PAGE_SIZE;
    const isLoaded = timeline.loaded && (timeline.oldest <= read + 1 || !timeline.hasOlder);
    conversation.seeking = isFar && !isLoaded && historyWindow === null;
    return conversation.seeking;
  }

  /** Load the newest page by `conversations`, and the first unread message if it is further back. */
  async open(conversation, conversations) {
    const seeks = this.seek(conversation);
    const [found] = await Promise.all([seeks && this.#firstUnread(conversation), conversations.open(conversation)]);
    if (seeks) this.#showFirstUnread(conversation, found);
  }

  /** Called when both are loaded: drawing the window before the newest page is known would make the view jump. */
  #showFirstUnread(conversation, found) {
    conversation.seeking = false;
    if (found?.events.length > 0) conversation.historyWindow = new HistoryWindow(found);
    if (conversation.historyWindow && conversation.timeline.loaded) this.#merge(conversation);
    this.#changed();
  }

  /** {events, more, upTo} around the first unread message; own messages and changes may precede it. */
  async #firstUnread(conversation) {
    const { head } = conversation.timeline;
    let found = null;
    for (let tries = 0, upTo = conversation.read + EVENTS_AFTER; tries < MAX_PAGES; tries += 1, upTo += PAGE_SIZE) {
      const page = await this.#page(conversation, Math.min(upTo, head));
      if (!page) break;
      found = { ...page, upTo: Math.min(upTo, head) };
      if (upTo >= head || page.events.some((event) => conversation.isUnread(event))) break;
    }
    return found;
  }

  async loadOlder(conversation) {
    const { historyWindow } = conversation;
    const page = historyWindow.hasOlder && (await this.#page(conversation, historyWindow.oldest - 1));
    if (!page || conversation.historyWindow !== historyWindow) return;
    historyWindow.prepend(page);
    this.#changed();
  }

  async loadNewer(conversation) {
    const { historyWindow, timeline } = conversation;
    const upTo = Math.min(historyWindow.upTo + PAGE_SIZE, timeline.oldest - 1);
    const page = await this.#page(conversation, upTo);
    if (!page || conversation.historyWindow !== historyWindow) return;
    historyWindow.append({ ...page, upTo });
    this.#merge(conversation);
    this.#changed();
  }

  leave(conversation) {
    conversation.historyWindow = null;
  }

  /** The last messages up to `upTo`, with the later changes applied. */
  async #page(conversation, upTo) {
    const page = await this.#history.page(conversation, upTo + 1, PAGE_SIZE);
    const { timeline } = conversation;
    return page && { ...page, events: page.events.map((event) => timeline.updated(event, page.head)) };
  }

  /** Merge the window into the timeline if nothing is missing between them. */
  #merge(conversation) {
    const { historyWindow, timeline } = conversation;
    if (historyWindow.upTo + 1 < timeline.oldest) return;
    timeline.prepend({ events: historyWindow.events, more: historyWindow.hasOlder });
    conversation.historyWindow = null;
  }
}
