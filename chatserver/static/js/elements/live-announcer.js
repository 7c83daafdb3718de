/**
 * <live-announcer>: a polite live region that reads new messages out, a few at a time. What was read is
 * taken out again: the message may be deleted, and then nobody shall find its words here.
 */

import { ngettext } from "../lib/i18n.js";
import { plain } from "../lib/markup.js";
import { me } from "../ui/page.js";

const PAUSE = 1_000; // milliseconds in which messages are collected
const MANY = 3; // more than this in one pause are counted, not read
const KEPT = 5_000; // milliseconds; a screen reader has taken the words long before
const LONGEST = 200; // characters

class LiveAnnouncer extends HTMLElement {
  #lines = [];
  #timer = 0;
  #end = 0;

  /** The messages of other users. */
  read(messages, users) {
    for (const one of messages) if (one.user !== me.name) this.announce(`${users.display(one.user)}: ${plain(one)}`);
  }

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
    clearTimeout(this.#end);
    this.#end = setTimeout(() => this.replaceChildren(), KEPT);
  }
}

customElements.define("live-announcer", LiveAnnouncer);
