/**
 * <chat-message>: one message. Its markup comes from templates/messages/_message.html.
 *
 * Dispatches `message:retry`, `message:rewrite` and `message:discard` {id}, `message:react` {seq, emoji, on},
 * `message:jump` {seq}, `quote:requested` {seq}.
 */

import { showAvatar } from "../ui/avatar.js";
import { emit, reconcile } from "../ui/dom.js";
import { _ } from "../lib/i18n.js";
import { hasNoItalic, plainText, parseHtml, textOf, VERBATIM } from "../lib/markup.js";
import { ALL_NAMES, splitMentions, isMentioned, isMentionOf } from "../lib/mentions.js";
import { directKey, hashOf, isRoute } from "../lib/route.js";
import { lazyBundle } from "../ui/lazy-load.js";
import { showFiles } from "../ui/message-files.js";
import { clone, lang, me, urls } from "../ui/page.js";
import { Type } from "../net/protocol.js";

const MAX_QUOTE_LENGTH = 160; // characters

class ChatMessage extends HTMLElement {
  /** The shown message, as in lib/view.js. */
  message = null;

  #shown = "";

  /**
   * `isEditing`: the user is editing it; `display(user)`: the shown name of a user; `author`: {name, isBot, picture};
   * `isUser(name)`: whether a folded name is that of a user, so that its mentions are marked, and `userOf(key)` the name of that user; `roomOf(name)`: the room that a text links to, undefined until the lazy bundle is loaded; `quoted`: the event of the
   * quoted message, if it is loaded.
   */
  show(message, { continued, isEditing, dates, display, author, isUser, userOf, roomOf, quoted }) {
    const mentions = splitMentions(message.data, isUser).flatMap(({ mention }) => (mention === undefined ? [] : display(userOf(mention))));
    const rooms = roomOf && lazyBundle.module.roomsIn(message.data, roomOf);
    const state = JSON.stringify([message, author, mentions, rooms, continued, isEditing, quoted]);
    if (state === this.#shown) return;
    this.#shown = state;
    this.message = message;
    this.dataset.state = message.state;
    this.dataset.user = message.user;
    if (message.seq) this.dataset.seq = message.seq;
    this.classList.toggle("message-own", message.own);
    this.classList.toggle("message-continued", continued);
    this.classList.toggle("message-deleted", message.deleted);
    this.classList.toggle("message-editing", isEditing && !message.deleted);
    this.querySelector(".editing-words").textContent = isEditing && !message.deleted ? _("Editing") : "";
    this.#writeHead(message, author, dates);
    this.#writeText(message, { isUser, userOf, roomOf, display });
    showFiles(this.querySelector(".message-files"), message.deleted ? [] : message.files, message.seq);
    this.#quote(message.replyTo, quoted, display);
    this.#react(message, display);
    this.#status(message);
  }

  #writeHead({ user, at }, author, dates) {
    showAvatar(this.querySelector(".avatar"), { name: user, display: author.name, picture: author.picture });
    this.querySelector(".message-author").textContent = author.name;
    for (const part of [".avatar", ".message-author"]) this.querySelector(part).dataset.profile = user;
    this.querySelector(".bot-label").textContent = author.isBot ? _("Bot") : "";
    const time = this.querySelector("time");
    time.dateTime = new Date(at).toISOString();
    time.textContent = dates.time(at);
    time.title = dates.full(at);
  }

  #writeText({ data, html, deleted, edited, own }, names) {
    const text = this.querySelector(".message-text");
    text.hidden = !data && !deleted;
    this.classList.toggle("message-mentions-me", !own && isMentioned(data, me.name, names.isUser));
    text.replaceChildren(...(deleted ? [_("This message was deleted.")] : pieces(data, html, names)));
    this.querySelector(".message-edited").hidden = !edited || deleted;
  }

  #quote(replyTo, quoted, display) {
    const quote = this.querySelector(".message-quote");
    quote.hidden = replyTo === undefined || replyTo === null;
    if (quote.hidden) return;
    quote.onclick = () => emit(this, "message:jump", { seq: replyTo });
    if (!quoted) queueMicrotask(() => emit(this, "quote:requested", { seq: replyTo })); // when this element is in the page
    const text = quoted?.deleted_at ? _("This message was deleted.") : quoted ? plainText(quoted) : "…";
    quote.querySelector(".quote-author").textContent = quoted ? display(quoted.user) : "";
    quote.querySelector(".quote-text").textContent = text.slice(0, MAX_QUOTE_LENGTH);
  }

  #react({ seq, reactions }, display) {
    const bar = this.querySelector(".message-reactions");
    const items = Object.entries(reactions).map(([emoji, names]) => ({ emoji, names }));
    bar.hidden = items.length === 0;
    reconcile(bar, items, {
      key: ({ emoji }) => emoji,
      make: ({ emoji }) => this.#reaction(seq, emoji),
      update: (button, item) => describe(button, item, display),
    });
  }

  #reaction(seq, emoji) {
    const button = clone("reaction");
    button.querySelector(".reaction-emoji").textContent = emoji;
    button.addEventListener("click", () => {
      emit(this, "message:react", { seq, emoji, on: button.getAttribute("aria-pressed") !== "true" });
    });
    return button;
  }

  #status({ state, problem, final, id, change }) {
    const status = this.querySelector(".message-status");
    status.hidden = state === "sent";
    if (status.hidden) return;
    status.querySelector(".message-problem").textContent = statusTexts(change)[state](problem);
    const rewritable = change === undefined || change === Type.EDIT;
    const discard = change === undefined ? "delete" : "discard"; // discarding a change keeps the message
    this.#button(".message-retry", () => emit(this, "message:retry", { id }), state !== "failed" || final);
    this.#button(".message-rewrite", () => emit(this, "message:rewrite", { id }), state !== "failed" || !rewritable);
    for (const name of ["delete", "discard"]) {
      const hidden = state === "sending" || name !== discard;
      this.#button(`.message-${name}`, () => emit(this, "message:discard", { id }), hidden);
    }
  }

  #button(selector, action, hidden) {
    const button = this.querySelector(selector);
    button.hidden = hidden;
    button.onclick = action;
  }
}

/** The texts for the states of a message, or of a pending change of it. */
function statusTexts(change) {
  switch (change) {
    case Type.EDIT:
      return {
        waiting: () => _("The edit will be saved when the connection is back"),
        login: () => _("The edit will be saved when you log in again"),
        failed: (reason) => _("Edit not saved. %(reason)s", { reason }),
      };
    case Type.DELETE:
      return {
        waiting: () => _("Will be deleted when the connection is back"),
        login: () => _("Will be deleted when you log in again"),
        failed: (reason) => _("Not deleted. %(reason)s", { reason }),
      };
    case Type.REACT:
      return {
        waiting: () => _("The reaction will be sent when the connection is back"),
        login: () => _("The reaction will be sent when you log in again"),
        failed: (reason) => _("Reaction not sent. %(reason)s", { reason }),
      };
    default:
      return {
        sending: () => _("Sending…"),
        waiting: () => _("Will be sent when the connection is back"),
        login: () => _("Will be sent when you log in again"),
        failed: (reason) => _("Not sent. %(reason)s", { reason }),
      };
  }
}

/** The content from the server's HTML; before its event has arrived, from the text. */
const pieces = (data, html, names) =>
  (html ? parseHtml(html, names.isUser) : splitMentions(data, names.isUser)).flatMap((part) => piece(part, names));

function piece({ text, mention, tag, ...properties }, names) {
  if (tag !== undefined) return markup(tag, properties, names);
  if (mention === undefined) return names.roomOf ? lazyBundle.module.withRooms(text, names.roomOf) : document.createTextNode(text);
  const element = ALL_NAMES.includes(mention) ? clone("mention") : linkTo(names.userOf(mention), names);
  element.textContent ||= text;
  element.classList.toggle("mention-me", isMentionOf(mention, me.name));
  return element;
}

/** A mention with the display name; a click opens the profile. */
function linkTo(user, { display }) {
  const link = clone("mention-user");
  link.href = hashOf(directKey(user));
  link.dataset.profile = user;
  link.textContent = `@${display(user)}`;
  link.title = `@${user}`;
  return link;
}

function markup(tag, { parts: inner, href, start, value }, names) {
  const element = tag === "a" ? clone("link") : document.createElement(tag);
  const within = VERBATIM.has(tag) ? { ...names, roomOf: undefined } : names;
  element.append(...inner.flatMap((part) => piece(part, within)));
  if (tag === "pre") element.tabIndex = 0; // it scrolls
  if (tag === "pre" || tag === "code") element.translate = false;
  if (tag === "em") element.classList.toggle("upright", hasNoItalic(textOf(inner)));
  if (start !== undefined) element.start = start;
  if (value !== undefined) element.value = value;
  if (href !== undefined) pointTo(element, href);
  if (href !== undefined && !href.includes(textOf(inner))) element.title = href; // the text is not the address
  return element;
}

/** Links into this chat open in this page, others in another tab. */
function pointTo(link, href) {
  const { origin, pathname, hash } = new URL(href);
  const isInside = origin === location.origin && pathname === new URL(urls.index, location.href).pathname && isRoute(hash);
  link.href = isInside ? hash : href;
  if (isInside) link.removeAttribute("target");
}

/** The title and the accessible name list the users who reacted. */
function describe(button, { emoji, names }, display) {
  const people = new Intl.ListFormat(lang, { style: "narrow" }).format(names.map(display));
  const text = _("%(emoji)s by %(people)s", { emoji, people });
  button.setAttribute("aria-pressed", String(names.includes(me.name)));
  button.setAttribute("aria-label", text);
  button.title = text;
  button.querySelector(".reaction-count").textContent = names.length;
}

customElements.define("chat-message", ChatMessage);
