/**
 * <chat-message>: one message. Its markup comes from templates/messages/_message.html.
 *
 * Sends `message:retry` {id}, `message:delete` {id}.
 */

import { say } from "../dom.js";
import { _ } from "../lib/i18n.js";
import { split } from "../lib/links.js";
import { hue, initial } from "../lib/names.js";
import { clone } from "../page.js";

class ChatMessage extends HTMLElement {
  #id = null;
  #shown = "";

  /** `message`: {key, id, user, data, at, own, state, problem}; `author`: its display name. */
  show(message, { author, continued, dates }) {
    const { data, state, problem, at, own } = message;
    const facts = JSON.stringify([data, state, problem, at, author, continued]);
    if (facts === this.#shown) return;
    this.#shown = facts;
    this.#id = message.id;
    this.dataset.state = state;
    this.dataset.user = message.user;
    this.classList.toggle("message-own", own);
    this.classList.toggle("message-continued", continued);
    this.#write(message, author, dates);
    this.#status(state, problem);
  }

  #write({ user, data, at }, author, dates) {
    const avatar = this.querySelector(".avatar");
    avatar.dataset.hue = hue(user);
    avatar.querySelector(".avatar-letter").textContent = initial(author);
    this.querySelector(".message-author").textContent = author;
    const time = this.querySelector("time");
    time.dateTime = new Date(at).toISOString();
    time.textContent = dates.time(at);
    time.title = dates.full(at);
    this.querySelector(".message-text").replaceChildren(...split(data).map(piece));
  }

  #status(state, problem) {
    const status = this.querySelector(".message-status");
    status.hidden = state === "sent";
    if (status.hidden) return;
    status.querySelector(".message-problem").textContent = {
      sending: _("Sending…"),
      waiting: _("Will be sent when the connection is back"),
      failed: _("Not sent. %(reason)s", { reason: problem }),
    }[state];
    this.#button(".message-retry", "message:retry", state !== "failed");
    this.#button(".message-delete", "message:delete", state === "sending");
  }

  #button(selector, name, hidden) {
    const button = this.querySelector(selector);
    button.hidden = hidden;
    button.onclick = () => say(this, name, { id: this.#id });
  }
}

function piece({ text, href }) {
  if (href === undefined) return document.createTextNode(text);
  const link = clone("link");
  link.href = href;
  link.textContent = text;
  return link;
}

customElements.define("chat-message", ChatMessage);
