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

  /** `place`: the Current; `onRead()` is called when a position may have changed. */
  constructor(list, { feed, place, onRead }) {
    this.#list = list;
    this.#feed = feed;
    this.#place = place;
    this.#onRead = onRead;
    list.addEventListener("messages:seen", ({ detail }) => this.#seen(detail));
    list.addEventListener("end:reached", () => this.look());
    addEventListener("focus", () => this.look());
    document.addEventListener("visibilitychange", () => this.look());
  }

  /** At the end, with the window in front, everything is read. */
  look() {
    const { key, conversation } = this.#place;
    const isWatched = document.visibilityState === "visible" && document.hasFocus();
    const isAtEnd = this.#list.showsEndOf(key) && !this.#list.skipsUnread;
    if (!isWatched || !isAtEnd || conversation.timeline.missing) return;
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
