/** Arrange messages as rows: day lines, the "New" line, messages in groups. */

import { startOfDay } from "./dates.js";

export const GROUP_INTERVAL = 5 * 60_000; // milliseconds between two messages of a group

/**
 * Return rows {kind, key, …}: "day" with `at`, "new", "notice" and "message" with `message` and `continued`.
 * `newAfter`: the last seq that was read when the room was opened, or null for no "New" line. `fromStart`: no older
 * messages exist; otherwise the line is shown only if the message before it is among `messages`.
 */
export function rows(messages, { newAfter = null, fromStart = true } = {}) {
  const result = [];
  let previous = null;
  const isStartLoaded = fromStart || messages[0]?.seq <= newAfter + 1;
  let marked = newAfter === null || !isStartLoaded;
  for (const message of messages) {
    const day = startOfDay(message.at);
    const isNewDay = previous === null || startOfDay(previous.at) !== day;
    if (isNewDay) result.push({ kind: "day", key: `day:${day}:${message.key}`, at: message.at });
    const isFirstNew = !marked && isNew(message, newAfter);
    if (isFirstNew) result.push({ kind: "new", key: "new" });
    marked ||= isFirstNew;
    const continued = !isNewDay && !isFirstNew && continues(previous, message);
    result.push({ kind: message.notice ? "notice" : "message", key: message.key, message, continued });
    previous = message;
  }
  return result;
}

/** The first message of another user after `read`, the last seq that was read; or undefined. */
export const firstNew = (messages, read) => messages.find((message) => isNew(message, read));

/**
 * The read position after the messages with the seqs `onScreen` were seen. It does not move from `read` past a message
 * of another user that was not on screen, or past messages that are not loaded.
 */
export function readThrough({ items, hasOlder }, { read, onScreen }) {
  if (onScreen.length === 0 || (hasOlder && items[0].seq > read + 1)) return read;
  const first = firstNew(items, read);
  return first && first.seq < onScreen[0] ? read : Math.max(read, onScreen.at(-1));
}

const isNew = ({ own, notice, seq }, read) => !own && !notice && seq > read;

function continues(previous, message) {
  if (previous.notice || message.notice || message.replyTo) return false;
  const elapsed = message.at - previous.at;
  return previous.user === message.user && elapsed >= -GROUP_INTERVAL && elapsed < GROUP_INTERVAL;
}
