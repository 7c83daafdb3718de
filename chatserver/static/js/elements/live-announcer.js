/** <live-announcer>: a polite live region that reads new messages out, a few at a time. */

import { ngettext } from "../lib/i18n.js";

const PAUSE = 1_000; // milliseconds in which messages are collected
const MANY = 3; // more than this in one pause are counted, not read
const LONGEST = 200; // characters

class LiveAnnouncer extends HTMLElement {
  #lines = [];
  #timer = 0;

  announce(line) {
    if (document.visibilityState !== "visible") return;
    this.#lines.push(line);
    this.#timer ||= setTimeout(() => this.#speak(), PAUSE);
  }

  #speak() {
    const lines = this.#lines.splice(0);
    this.#timer = 0;
    this.textContent =
      lines.length > MANY
        ? ngettext("%(num)s new message", "%(num)s new messages", lines.length)
        : lines.map((line) => line.slice(0, LONGEST)).join("\n");
  }
}

customElements.define("live-announcer", LiveAnnouncer);
