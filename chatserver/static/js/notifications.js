/**
 * Desktop notifications: one a conversation, of its last message. Owns those that are on show. What was
 * read here or on another device is withdrawn. The choices are this device's.
 */

import { calls } from "./lib/mentions.js";
import { disturbs, words } from "./lib/notify.js";
import { hashOf } from "./lib/route.js";
import { keep, recall } from "./local.js";
import { me, scope } from "./page.js";

const PATIENCE = 1_000; // milliseconds for another device to say that it was read there

/** Why there can be none: "insecure", "unsupported", "denied"; "" when there can. */
export function obstacle() {
  if (!isSecureContext) return "insecure";
  if (!("Notification" in globalThis)) return "unsupported";
  return Notification.permission === "denied" ? "denied" : "";
}

export const choices = {
  get level() {
    return recall(`notify:${me.name}`) ?? "none";
  },
  set level(level) {
    keep(`notify:${me.name}`, level);
  },
  /** Whether they say what was written. */
  get text() {
    return recall(`notify-text:${me.name}`) !== "no";
  },
  set text(shown) {
    keep(`notify-text:${me.name}`, shown ? "" : "no");
  },
  /** Back to what they are on a new device. */
  forget() {
    this.level = "";
    this.text = true;
  },
};

export class Notifications {
  #feed;
  #people;
  #nameOf;
  #shown = new Map(); // key → {seq, notification}, or {seq, timer} of one that is to come

  /** `nameOf(conversation)`: its name as it is shown. */
  constructor({ feed, people, nameOf }) {
    this.#feed = feed;
    this.#people = people;
    this.#nameOf = nameOf;
  }

  /** A message came. Nothing happens while somebody looks at the page. */
  heard(event) {
    const conversation = this.#feed.of(event.room);
    if (!conversation || event.user === me.name || event.seq <= conversation.read) return;
    const { isDirect, muted } = conversation;
    const called = calls(event.data, me.name);
    if (document.hasFocus() || obstacle() || Notification.permission !== "granted") return;
    if (!disturbs({ level: choices.level, calls: called, isDirect, muted })) return;
    clearTimeout(this.#shown.get(conversation.key)?.timer);
    const timer = setTimeout(() => this.#show(conversation, event), PATIENCE);
    this.#shown.set(conversation.key, { ...this.#shown.get(conversation.key), seq: event.seq, timer });
  }

  /** Those of messages that are read by now, or whose room is gone, go away. */
  withdraw() {
    for (const [key, { seq, notification, timer }] of this.#shown) {
      const conversation = this.#feed.all.find((one) => one.key === key);
      if (conversation && conversation.read < seq) continue;
      clearTimeout(timer);
      notification?.close();
      this.#shown.delete(key);
    }
  }

  #show(conversation, { user, data, seq }) {
    const { key, isDirect } = conversation;
    const room = isDirect ? null : this.#nameOf(conversation);
    const { title, body } = words({ author: this.#people.display(user), room, data, text: choices.text });
    this.#shown.get(key)?.notification?.close();
    try {
      const notification = new Notification(title, { body, tag: `${scope}${me.name}${key}` });
      notification.onclick = () => this.#go(key);
      this.#shown.set(key, { seq, notification });
    } catch {
      this.#shown.delete(key); // Android shows them only from a service worker
    }
  }

  #go(key) {
    focus();
    location.hash = hashOf(key);
  }
}
