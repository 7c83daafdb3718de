/** Whether a message is told of outside the page, and in which words. */

import { _ } from "./i18n.js";

const LONGEST = 200; // characters

/** `level`: "all", "calls" (direct messages and mentions) or "none"; `mentioned`: it names the reader. */
export function shouldNotify({ level, mentioned, isDirect, muted }) {
  if (level === "none") return false;
  return mentioned || (!muted && (level === "all" || isDirect));
}

/** {title, body}; without `text` nothing of what was said. `room`: null for a direct message. */
export function notificationText({ author, room, data, text }) {
  const title = room === null ? author : _("%(name)s in %(room)s", { name: author, room });
  return { title, body: text ? Array.from(data).slice(0, LONGEST).join("") : _("New message") };
}
