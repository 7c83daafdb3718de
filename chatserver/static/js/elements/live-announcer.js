/**
 * <live-announcer>: a polite live region that announces new messages in batches. Texts are removed again,
 * because a message may be deleted later.
 */

import { ngettext } from "../lib/i18n.js";
import { plainText } from "../lib/markup.js";
import { me } from "../ui/page.js";

const BATCH_INTERVAL = 1_000; // milliseconds in which messages are collected
const MAX_READ = 3; // a larger batch is announced as a number
const TEXT_LIFETIME = 5_000; // milliseconds; a screen reader has read the region by then
const MAX_LENGTH = 200; // characters

class LiveAnnouncer extends HTMLElement {
  #lines = [];
  #timer = 0;
  #end = 0;

  /** Announce the messages of other users. */
  read(messages, users) {
    for (const one of messages) if (one.user !== me.name) this.announce(`${users.display(one.user)}: ${plainText(one)}`);
  }

  announce(line) {
    if (document.visibilityState !== "visible") return;
    this.#lines.push(line);
    this.#timer ||= setTimeout(() => this.#speak(), BATCH_INTERVAL);
  }

  #speak() {
    const lines = this.#lines.splice(0);
    this.#timer = 0;
    this.textContent =
      lines.length > MAX_READ
        ? ngettext("%(num)s new message", "%(num)s new messages", lines.length)
        : lines.map((line) => line.slice(0, MAX_LENGTH)).join("\n");
    clearTimeout(this.#end);
    this.#end = setTimeout(() => this.replaceChildren(), TEXT_LIFETIME);
  }
}

customElements.define("live-announcer", LiveAnnouncer);
