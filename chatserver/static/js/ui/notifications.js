/**
 * Desktop notifications: one for each conversation, with its last message. Owns the shown ones. A notification is closed
 * when its message is read here or on another device or is deleted, and updated when its message is edited. Which messages
 * notify is a rule of the account; whether this device shows them, and what they say, is stored here.
 */

import { goTo } from "./layers.js";
import { plainText } from "../lib/markup.js";
import { isMentioned, mentionsIn } from "../lib/mentions.js";
import { notifies } from "../lib/notification-rules.js";
import { notificationText } from "../lib/notify.js";
import { hashOf } from "../lib/route.js";
import { local } from "../state/local-storage.js";
import { notificationRules } from "../state/notification-rules.js";
import { me, scope, serverName, urls } from "./page.js";
import { Type } from "../net/protocol.js";
import { Tabs } from "../state/tabs.js";

const DELAY = 1_000; // milliseconds in which another device or tab may report that the message was read
const CLOSE_DELAY = 500; // milliseconds in which read messages collect before their pushes are closed
const BROKEN = "notify-broken"; // stored after a notification could not be created

/** Why notifications are unavailable: "insecure", "unsupported", "denied"; "" if they are available. */
export function obstacle() {
  if (!isSecureContext) return "insecure";
  if (!("Notification" in globalThis) || !("serviceWorker" in navigator || isConstructible())) return "unsupported";
  return Notification.permission === "denied" ? "denied" : "";
}

/** The constructor throws in Chrome on Android, where only a service worker can show notifications. */
function isConstructible() {
  if (local.get(BROKEN)) return false;
  if (Notification.permission !== "default") return true; // a test notification would be shown
  try {
    new Notification("", { silent: true }).close();
    return true;
  } catch {
    return false;
  }
}

export const choices = {
  /** Whether this device shows notifications. */
  get isOn() {
    return Boolean(local.get(`notify:${me.name}`));
  },
  set isOn(on) {
    local.set(`notify:${me.name}`, on ? "on" : "");
  },
  /** What notifications say: see CONTENTS in lib/notify.js. */
  get content() {
    return local.get(`notify-content:${me.name}`) ?? "text";
  },
  set content(content) {
    local.set(`notify-content:${me.name}`, content === "text" ? "" : content);
  },
  /** Reset to the defaults. */
  forget() {
    this.isOn = false;
    this.content = "text";
  },
};

export class Notifications {
  /** The registration of the service worker, when it is active. Pushes replace only its notifications. */
  worker = null;

  #conversations;
  #users;
  #nameOf;
  #shown = new Map(); // key → {event, notification}, or {event, timer} while it is delayed
  #tabs;
  #closing = 0; // timer

  /** `nameOf(conversation)`: its shown name; `current()`: the open conversation. */
  constructor({ conversations, users, nameOf, current }) {
    this.#conversations = conversations;
    this.#tabs = new Tabs({
      shows: (key) => document.hasFocus() && current().key === key,
      onShown: (key) => this.#close(key),
    });
    this.#users = users;
    this.#nameOf = nameOf;
  }

  /** Notify about a message, unless the page has the focus. */
  messageReceived(event) {
    const conversation = this.#conversations.of(event.room);
    if (!conversation || event.user === me.name || event.seq <= conversation.read) return;
    if (!choices.isOn || document.hasFocus() || obstacle() || Notification.permission !== "granted") return;
    if (!this.#shouldNotify(event, conversation)) return;
    clearTimeout(this.#shown.get(conversation.key)?.timer);
    const timer = setTimeout(() => this.#show(conversation, this.#shown.get(conversation.key).event), DELAY);
    this.#shown.set(conversation.key, { ...this.#shown.get(conversation.key), event, timer });
    this.#tabs.ask(conversation.key);
  }

  #shouldNotify({ data }, { isDirect, members, notify }, now = Date.now()) {
    const { current, allMembers } = notificationRules;
    const mentions = isMentioned(data, me.name) ? mentionsIn(data, me.name, (name) => this.#users.isUser(name)) : {};
    return notifies(current, notify, { text: data, isDirect, members, ...mentions }, { now, allMembers });
  }

  /** Update the notification of a message that was edited or deleted. */
  messageChanged({ type, room, target, data, html }) {
    this.#update(room, target, type === Type.DELETE ? { deleted_at: 1 } : { data, html });
  }

  /** Update from the last messages in a welcome, which may have changed while disconnected. */
  welcomed({ rooms, limits }) {
    notificationRules.allMembers = limits?.all_members ?? Infinity;
    for (const { room, last } of rooms) {
      if (last) this.#update(room, last.seq, last);
    }
  }

  /** The rules were changed, here or on another device. */
  setRules(rules) {
    notificationRules.set(rules);
  }

  #update(room, seq, { data, html, deleted_at: deleted }) {
    const conversation = this.#conversations.of(room);
    const shown = this.#shown.get(conversation?.key);
    if (shown?.event.seq !== seq) return;
    if (deleted) return void this.#close(conversation.key);
    if (shown.event.data === data || shown.event.data.startsWith(data)) return; // a welcome has only the start of the text
    shown.event = { ...shown.event, data, html };
    if (shown.notification) this.#show(conversation, shown.event, { silent: true });
  }

  /** Close notifications whose message was read or mentions another user, or whose room was removed. */
  closeOutdated() {
    for (const [key, { event }] of this.#shown) {
      const conversation = this.#conversations.all.find((one) => one.key === key);
      const isOutdated = !conversation || conversation.read >= event.seq;
      if (isOutdated || !this.#shouldNotify(event, conversation, event.at)) this.#close(key);
    }
    if (this.worker) this.#closing ||= setTimeout(() => this.#closeReadPushes(), CLOSE_DELAY);
  }

  /** Close notifications of pushes that were shown while the page was closed. */
  async #closeReadPushes() {
    this.#closing = 0;
    for (const notification of await this.worker.getNotifications()) {
      const { room, seq, user } = notification.data ?? {};
      if (user === me.name && this.#conversations.of(room)?.read >= seq) notification.close();
    }
  }

  #close(key) {
    const { timer, notification } = this.#shown.get(key) ?? {};
    clearTimeout(timer);
    notification?.close();
    this.#shown.delete(key);
  }

  #show(conversation, event, { silent = !notificationRules.current.sound } = {}) {
    const { key, isDirect } = conversation;
    const room = isDirect ? null : this.#nameOf(conversation);
    const author = this.#users.display(event.user);
    const { title, body } = notificationText({ author, room, data: plainText(event), content: choices.content, server: serverName });
    this.#shown.get(key)?.notification?.close();
    try {
      const notification = this.worker ? this.#showByWorker(title, body, { key, event, silent }) : new Notification(title, { body, silent, tag: `${scope}${me.name}${key}` });
      notification.onclick = () => this.#open(key);
      this.#shown.set(key, { event, notification });
    } catch {
      local.set(BROKEN, "yes"); // the settings then show it
      this.#shown.delete(key);
    }
  }

  /** With the tag of a push for this room, which replaces it without a sound. Returns what closes it. */
  #showByWorker(title, body, { key, event, silent }) {
    const tag = `room-${event.room}`;
    const navigate = new URL(urls.index + hashOf(key, event.seq), location.href).href;
    const data = { room: event.room, seq: event.seq, user: me.name, navigate };
    const shown = this.worker.showNotification(title, { body, tag, silent, renotify: !silent, icon: urls.icon, data });
    const close = async () => {
      await shown.catch(() => {}); // permission was withdrawn
      for (const one of await this.worker.getNotifications({ tag })) one.close();
    };
    return { close };
  }

  #open(key) {
    focus();
    goTo(hashOf(key));
  }
}
