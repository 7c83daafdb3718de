/**
 * Marks messages as read: those that were on screen and, at its end, all of the open conversation.
 *
 * Listens to `messages:seen` {key, seq} and `end:reached` of <message-list>.
 */

export class ReadTracker {
  #list;
  #conversations;
  #current;
  #onRead;

  /** `current`: the CurrentConversation; `onRead()` is called when a position may have changed. */
  constructor(list, { conversations, current, onRead }) {
    this.#list = list;
    this.#conversations = conversations;
    this.#current = current;
    this.#onRead = onRead;
    list.addEventListener("messages:seen", ({ detail }) => this.#seen(detail));
    list.addEventListener("end:reached", () => this.check());
  }

  /** Mark everything as read if the user watches the end. */
  check() {
    const { key, conversation } = this.#current;
    if (!this.#list.watchesEndOf(key) || conversation.timeline.missing) return;
    this.#conversations.markRead(conversation);
    this.#onRead();
  }

  #seen({ key, seq }) {
    const conversation = this.#conversations.all.find((one) => one.key === key);
    if (!conversation) return;
    this.#conversations.markRead(conversation, seq);
    this.#onRead();
  }
}
