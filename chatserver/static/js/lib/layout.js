/** The rows that a list of messages makes: a line a day, the "New" line, messages, grouped. */

import { startOfDay } from "./dates.js";

export const GROUP = 5 * 60_000; // milliseconds between messages of one author

/**
 * Rows {kind, key, …}: "day" with `at`, "new", "notice" and "message" with `message` and `continued`.
 * `newAfter`: the last seq that was read when the room was opened, or null for no line. `fromStart`: nothing
 * older exists; else the line stands only where what is before it is shown as well.
 */
export function rows(messages, { newAfter = null, fromStart = true } = {}) {
  const made = [];
  let previous = null;
  const covered = fromStart || messages[0]?.seq <= newAfter + 1;
  let marked = newAfter === null || !covered;
  for (const message of messages) {
    const day = startOfDay(message.at);
    const fresh = previous === null || startOfDay(previous.at) !== day;
    if (fresh) made.push({ kind: "day", key: `day:${day}:${message.key}`, at: message.at });
    const first = !marked && isNew(message, newAfter);
    if (first) made.push({ kind: "new", key: "new" });
    marked ||= first;
    const continued = !fresh && !first && continues(previous, message);
    made.push({ kind: message.notice ? "notice" : "message", key: message.key, message, continued });
    previous = message;
  }
  return made;
}

/** The first of the messages that others sent after `read`, the last seq that was read; or undefined. */
export const firstNew = (messages, read) => messages.find((message) => isNew(message, read));

/**
 * How far is read, from `read`, when the messages with the seqs `onScreen` are seen: not past a message of another user
 * that was not on screen, nor past one that is not held.
 */
export function readThrough({ items, hasOlder }, { read, onScreen }) {
  if (onScreen.length === 0 || (hasOlder && items[0].seq > read + 1)) return read;
  const first = firstNew(items, read);
  return first && first.seq < onScreen[0] ? read : Math.max(read, onScreen.at(-1));
}

const isNew = ({ own, notice, seq }, read) => !own && !notice && seq > read;

function continues(previous, message) {
  if (previous.notice || message.notice || message.replyTo) return false;
  const passed = message.at - previous.at;
  return previous.user === message.user && passed >= -GROUP && passed < GROUP;
}
