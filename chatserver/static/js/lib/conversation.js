/** One room or one direct conversation: what is held of it, and how much of it is unread. */

import { Timeline } from "./timeline.js";

export class Conversation {
  timeline = new Timeline();
  room = null; // unknown until the first message of a direct conversation
  title = "";
  read = 0;
  unread = 0;
  lastAt = 0;

  #counted = 0; // events up to here are in `unread` already

  constructor(key) {
    this.key = key;
    this.to = key.startsWith("@") ? key.slice(1) : null;
  }

  get isDirect() {
    return this.to !== null;
  }

  /** What `welcome` says of it. A position that this device has read further counts. */
  welcome({ room, title, head, read, unread, last }) {
    this.room = room;
    this.title = title;
    this.timeline.head = head;
    this.read = Math.min(Math.max(this.read, read), head);
    this.unread = this.read > read ? Math.min(unread, head - this.read) : unread;
    this.lastAt = Math.max(this.lastAt, last?.at ?? 0);
    this.#counted = head;
  }

  /** An event came; `own`: one's own words are read. */
  count(event, { own }) {
    this.lastAt = Math.max(this.lastAt, event.at);
    if (event.seq <= this.#counted) return;
    this.#counted = event.seq;
    if (!own && event.seq > this.read) this.unread += 1;
  }

  /** Everything up to the end was seen. True when that is news. */
  markRead() {
    const position = this.timeline.position ?? 0;
    const news = this.unread > 0 || position > this.read;
    this.read = Math.max(this.read, position);
    this.unread = 0;
    return news;
  }

  /** The log is another one. */
  forget() {
    this.timeline.reset();
    this.read = 0;
    this.unread = 0;
    this.#counted = 0;
  }
}
