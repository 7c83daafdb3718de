/** Reports read positions to the server, after a short delay and at most once a second. */

import { Type } from "../net/protocol.js";

const REPORT_INTERVAL = 1_000; // milliseconds
const REPORT_DELAY = 150; // milliseconds in which the positions of several rooms are collected

export class ReadMarks {
  #conversations;
  #send;
  #timer = 0;
  #last = 0;

  /** `send(frame)` returns whether the connection was open. */
  constructor({ conversations, send }) {
    this.#conversations = conversations;
    this.#send = send;
  }

  schedule() {
    const wait = Math.max(REPORT_DELAY, this.#last + REPORT_INTERVAL - Date.now());
    this.#timer ||= setTimeout(() => this.flush(), wait);
  }

  /** Report every position that was not reported yet. */
  flush() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#last = Date.now();
    for (const conversation of this.#conversations.all) this.#report(conversation);
  }

  #report(conversation) {
    const { room, read, reportedRead } = conversation;
    if (room === null || read <= reportedRead) return;
    if (this.#send({ type: Type.READ, room, seq: read })) conversation.reportedRead = read;
  }
}
