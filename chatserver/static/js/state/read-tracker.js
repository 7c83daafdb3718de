/**
 * Marks messages as read: those that were on screen and, at its end, all of the open conversation.
 *
 * Listens to `messages:seen` {key, seq} and `end:reached` of <message-list>.
 */

export class ReadTracker {
  #list;
  #feed;
  #current;
  #onRead;

  /** `current`: the CurrentConversation; `onRead()` is called when a position may have changed. */
  constructor(list, { feed, current, onRead }) {
    this.#list = list;
    this.#feed = feed;
    this.#current = current;
    this.#onRead = onRead;
    list.addEventListener("messages:seen", ({ detail }) => this.#seen(detail));
    list.addEventListener("end:reached", () => this.check());
  }

  /** Mark everything as read if the user watches the end. */
  check() {
    const { key, conversation } = this.#current;
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
