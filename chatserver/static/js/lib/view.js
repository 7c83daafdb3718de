/** Messages as the list shows them: {key, id, seq, user, data, at, own, state, problem}. */

import { Type } from "../protocol.js";
import { roomKey } from "./route.js";

/** A stored event. One's own keeps the key that it had before it was stored. */
export function stored({ id, seq, user, data, at }, me) {
  const own = user === me;
  return { key: own && id ? `id:${id}` : `seq:${seq}`, id, seq, user, data, at, own, state: "sent" };
}

/** An entry of the outbox: "sending", "waiting" while there is no line, or "failed". */
export function pending({ id, data, at, state, problem }, me, { online }) {
  const waits = state === "sending" && !online;
  return { key: `id:${id}`, id, user: me, data, at, problem, own: true, state: waits ? "waiting" : state };
}

/** The command that says an entry. */
export function asCommand({ id, key, data }) {
  return key.startsWith("@")
    ? { type: Type.SINGLE_CHAT, to: key.slice(1), data, id }
    : { type: Type.GROUP_CHAT, room: Number(key.slice(1)), data, id };
}

/** The event that the server stored for an entry, as its reply tells it. */
export function asEvent(entry, { room, seq, at }, me) {
  return { ...asCommand(entry), room, seq, at, user: me, answered: true };
}

/** Group rooms by number, the lobby first; direct conversations that exist or are open, newest first. */
export function listed(conversations, current) {
  const rooms = conversations.filter(({ isDirect }) => !isDirect);
  const direct = conversations.filter(({ isDirect, room, key }) => isDirect && (room !== null || key === current));
  return {
    rooms: rooms.sort((a, b) => a.room - b.room),
    direct: direct.sort((a, b) => b.lastAt - a.lastAt),
  };
}

/** "room", "direct", or "self" for notes to oneself. */
export function kindOf({ to }, me) {
  if (to === null) return "room";
  return to === me ? "self" : "direct";
}

/** The name of a room; the one that everybody is in has a word in every language. */
export function roomName({ title, key }, lobby) {
  if (title === "Lobby" || (!title && key === roomKey(1))) return lobby;
  return title || key;
}
