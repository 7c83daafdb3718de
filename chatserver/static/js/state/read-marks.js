/** Tells the server how far one has read, a moment after the first news and at most once a second. */

import { Type } from "../net/protocol.js";

const PAUSE = 1_000; // milliseconds between two reports
const SETTLE = 150; // milliseconds in which the positions of several rooms are collected

export class ReadMarks {
  #feed;
  #send;
  #timer = 0;
  #last = 0;

  /** `send(frame)` says whether there was a line. */
  constructor({ feed, send }) {
    this.#feed = feed;
    this.#send = send;
  }

  soon() {
    const wait = Math.max(SETTLE, this.#last + PAUSE - Date.now());
    this.#timer ||= setTimeout(() => this.flush(), wait);
  }

  /** Every position that the server does not know yet. */
  flush() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#last = Date.now();
    for (const conversation of this.#feed.all) this.#report(conversation);
  }

  #report(conversation) {
    const { room, read, reportedRead } = conversation;
    if (room === null || read <= reportedRead) return;
    if (this.#send({ type: Type.READ, room, seq: read })) conversation.reportedRead = read;
  }
}
