/**
 * Desktop notifications: one a conversation, of its last message. Owns those that are shown. One is withdrawn when
 * its message is read here or on another device or is deleted, and changed when its message is edited. The choices
 * are this device's.
 */

import { goTo } from "./layers.js";
import { plain } from "../lib/markup.js";
import { isMentioned } from "../lib/mentions.js";
import { shouldNotify, notificationText } from "../lib/notify.js";
import { hashOf } from "../lib/route.js";
import { getItem, setItem } from "../state/local-storage.js";
import { me, scope } from "./page.js";
import { Type } from "../net/protocol.js";
import { Tabs } from "../state/tabs.js";

const PATIENCE = 1_000; // milliseconds for another device or tab to say that it was read there
const BROKEN = "notify-broken"; // set where a notification could not be made

/** Why there can be none: "insecure", "unsupported", "denied"; "" when there can. */
export function obstacle() {
  if (!isSecureContext) return "insecure";
  if (!("Notification" in globalThis) || !isConstructible()) return "unsupported";
  return Notification.permission === "denied" ? "denied" : "";
}

/** Chrome on Android has the constructor, which throws: there only a service worker can show notifications. */
function isConstructible() {
  if (getItem(BROKEN)) return false;
  if (Notification.permission !== "default") return true; // one that is made now would be shown
  try {
    new Notification("", { silent: true }).close();
    return true;
  } catch {
    return false;
  }
}

export const choices = {
  get level() {
    return getItem(`notify:${me.name}`) ?? "none";
  },
  set level(level) {
    setItem(`notify:${me.name}`, level);
  },
  /** Whether they say what was written. */
  get text() {
    return getItem(`notify-text:${me.name}`) !== "no";
  },
  set text(shown) {
    setItem(`notify-text:${me.name}`, shown ? "" : "no");
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
  #shown = new Map(); // key → {event, notification}, or {event, timer} of one that is to come
  #tabs;

  /** `nameOf(conversation)`: its name as it is shown; `current()`: the open conversation. */
  constructor({ feed, people, nameOf, current }) {
    this.#feed = feed;
    this.#tabs = new Tabs({
      shows: (key) => document.hasFocus() && current().key === key,
      onShown: (key) => this.#withdraw(key),
    });
    this.#people = people;
    this.#nameOf = nameOf;
  }

  /** A message came. Nothing happens while somebody looks at the page. */
  messageReceived(event) {
    const conversation = this.#feed.of(event.room);
    if (!conversation || event.user === me.name || event.seq <= conversation.read) return;
    if (document.hasFocus() || obstacle() || Notification.permission !== "granted") return;
    if (!this.#shouldNotify(event, conversation)) return;
    clearTimeout(this.#shown.get(conversation.key)?.timer);
    const timer = setTimeout(() => this.#show(conversation, this.#shown.get(conversation.key).event), PATIENCE);
    this.#shown.set(conversation.key, { ...this.#shown.get(conversation.key), event, timer });
    this.#tabs.ask(conversation.key);
  }

  #shouldNotify({ data }, { isDirect, muted }) {
    const mentioned = isMentioned(data, me.name) && isMentioned(data, me.name, (name) => this.#people.isUser(name));
    return shouldNotify({ level: choices.level, mentioned, isDirect, muted });
  }

  /** A message was edited or deleted. */
  messageChanged({ type, room, target, data, html }) {
    this.#update(room, target, type === Type.DELETE ? { deleted_at: 1 } : { data, html });
  }

  /** The last messages of rooms as a welcome has them: they may have changed while there was no connection. */
  renewed(rooms) {
    for (const { room, last } of rooms) {
      if (last) this.#update(room, last.seq, last);
    }
  }

  #update(room, seq, { data, html, deleted_at: deleted }) {
    const conversation = this.#feed.of(room);
    const shown = this.#shown.get(conversation?.key);
    if (shown?.event.seq !== seq) return;
    if (deleted) return void this.#withdraw(conversation.key);
    if (shown.event.data === data || shown.event.data.startsWith(data)) return; // a welcome has the beginning only
    shown.event = { ...shown.event, data, html };
    if (shown.notification) this.#show(conversation, shown.event, { silent: true });
  }

  /** Those of messages that are read by now or mention another user, or whose room is gone, go away. */
  withdraw() {
    for (const [key, { event }] of this.#shown) {
      const conversation = this.#feed.all.find((one) => one.key === key);
      if (!conversation || conversation.read >= event.seq || !this.#shouldNotify(event, conversation)) this.#withdraw(key);
    }
  }

  #withdraw(key) {
    const { timer, notification } = this.#shown.get(key) ?? {};
    clearTimeout(timer);
    notification?.close();
    this.#shown.delete(key);
  }

  #show(conversation, event, { silent = false } = {}) {
    const { user } = event;
    const { key, isDirect } = conversation;
    const room = isDirect ? null : this.#nameOf(conversation);
    const { title, body } = notificationText({ author: this.#people.display(user), room, data: plain(event), text: choices.text });
    this.#shown.get(key)?.notification?.close();
    try {
      const notification = new Notification(title, { body, silent, tag: `${scope}${me.name}${key}` });
      notification.onclick = () => this.#go(key);
      this.#shown.set(key, { event, notification });
    } catch {
      setItem(BROKEN, "yes"); // then the settings say so
      this.#shown.delete(key);
    }
  }

  #go(key) {
    focus();
    goTo(hashOf(key));
  }
}
