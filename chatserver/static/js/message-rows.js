/** The rows of a message list: draws them in place and keeps the way in for the keyboard. */

import { sync } from "./dom.js";
import { Dates } from "./lib/dates.js";
import { notice } from "./lib/notices.js";
import { clone, lang } from "./page.js";

export class MessageRows {
  #rows;
  #dates = new Dates(lang);
  #entry = null; // the message that Tab reaches

  /** `rows`: the element that holds them. */
  constructor(rows) {
    this.#rows = rows;
  }

  /** `rows` as lib/layout.js makes them; `view` as <message-list> gets it. */
  draw(rows, view) {
    sync(this.#rows, rows, {
      key: ({ kind, key }) => `${view.key} ${kind} ${key}`, // no row serves two conversations
      make: ({ kind }) => clone(kind === "message" ? "message" : `${kind}-line`),
      update: (element, row) => this.#update(element, row, view),
    });
    this.#lead(this.#rows.lastElementChild);
  }

  /** The last message is the way in for the keyboard. */
  #lead(row) {
    let last = row;
    while (last && last.localName !== "chat-message") last = last.previousElementSibling;
    if (last === this.#entry) return;
    if (this.#entry) this.#entry.tabIndex = -1;
    if (last) last.tabIndex = 0;
    this.#entry = last;
  }

  #update(element, { kind, at, message, continued }, { display, isUser, find }) {
    if (kind === "message") {
      element.show(message, { continued, dates: this.#dates, display, isUser, quoted: find(message.replyTo) });
    } else if (kind === "notice") {
      element.firstElementChild.textContent = notice(message.notice, display);
    } else if (kind === "day") {
      const time = element.querySelector("time");
      time.dateTime = new Date(at).toLocaleDateString("sv"); // 2031-05-03
      time.textContent = this.#dates.day(at);
    }
  }
}
