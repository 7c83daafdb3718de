/**
 * Marks as read what the user has seen: messages that were on screen and, at its end, all of the open conversation.
 *
 * Hears `messages:seen` {key, seq} and `end:reached` of <message-list>.
 */

export class ReadTracker {
  #list;
  #feed;
  #place;
  #onRead;

  /** `place`: the CurrentConversation; `onRead()` is called when a position may have changed. */
  constructor(list, { feed, place, onRead }) {
    this.#list = list;
    this.#feed = feed;
    this.#place = place;
    this.#onRead = onRead;
    list.addEventListener("messages:seen", ({ detail }) => this.#seen(detail));
    list.addEventListener("end:reached", () => this.look());
  }

  /** Everything is read when the user watches the end. */
  look() {
    const { key, conversation } = this.#place;
    if (!this.#list.watchesEndOf(key) || conversation.timeline.missing) return;
    this.#feed.markRead(conversation);
    this.#onRead();
  }

  #seen({ key, seq }) {
    const conversation = this.#feed.all.find((one) => one.key === key);
    if (!conversation) return;
    this.#feed.markRead(conversation, seq);
    this.#onRead();
  }
}
