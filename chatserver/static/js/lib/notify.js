/** Whether a message causes a notification, and its text. */

import { _ } from "./i18n.js";

const MAX_LENGTH = 200; // characters

/** `level`: "all", "calls" (direct messages and mentions) or "none"; `mentioned`: the message mentions the user. */
export function shouldNotify({ level, mentioned, isDirect, muted }) {
  if (level === "none") return false;
  return mentioned || (!muted && (level === "all" || isDirect));
}

/** Return {title, body}. `text`: whether the body shows the message; `room`: null for a direct message. */
export function notificationText({ author, room, data, text }) {
  const title = room === null ? author : _("%(name)s in %(room)s", { name: author, room });
  return { title, body: text ? Array.from(data).slice(0, MAX_LENGTH).join("") : _("New message") };
}
