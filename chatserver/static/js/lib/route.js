/** URL fragments of conversations: `#/room/9` or `#/with/bo`. The key of a conversation is `#9` or `@bo`. */

import { LOBBY } from "../net/protocol.js";

export const roomKey = (room) => `#${room}`;
export const NO_ROOM = roomKey(0); // a room that never exists
export const directKey = (name) => `@${name}`;

export function keyOf({ kind, room, to }) {
  return kind === "direct" && to ? directKey(to) : roomKey(room);
}

/** The fragment of a conversation, or of its message `seq`. */
export function hashOf(key, seq = null) {
  const name = encodeURIComponent(key.slice(1));
  const hash = key.startsWith("@") ? `#/with/${name}` : `#/room/${name}`;
  return seq === null ? hash : `${hash}/${seq}`;
}

const HASH = /^#\/(room|with)\/([^/]+)(?:\/(\d+))?$/;

/** Whether `hash` is a fragment of the chat page, valid or not. */
export const isRoute = (hash) => hash.startsWith("#/");

/** The seq of the message in `hash`, as in `#/room/9/17`, or null. */
export function messageOf(hash) {
  const found = /\/([1-9]\d{0,15})$/.exec(hash);
  return found && HASH.exec(hash)?.[3] === found[1] ? Number(found[1]) : null;
}

/** The key of the conversation in `hash`, or null. */
export function parse(hash) {
  const [, kind, rest] = HASH.exec(hash) ?? [];
  if (kind === undefined) return null;
  try {
    const name = decodeURIComponent(rest);
    if (kind === "with") return directKey(name);
    return /^[1-9]\d*$/.test(name) ? roomKey(name) : null;
  } catch {
    return null;
  }
}

/** The key of the conversation that the page shows for `hash`; the lobby without one. */
export const keyIn = (hash) => parse(hash) ?? (isRoute(hash) ? NO_ROOM : roomKey(LOBBY));
