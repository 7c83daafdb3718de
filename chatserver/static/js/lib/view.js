/**
 * Messages as the list shows them: {key, id, seq, user, data, html, at, own, state, problem, final, act, edited, deleted,
 * reactions, replyTo}; a notice is {key, seq, at, notice}. `act`: the type of the entry of the outbox that `id`,
 * `state`, `problem` and `final` are of, when that is an edit, a deletion or a reaction.
 */

import { isChange, isNotice, Type } from "../net/protocol.js";
import { roomKey } from "./route.js";

/** A stored event. One's own keeps the key that it had before it was stored. `status`: of an act on it, if any. */
export function stored(event, me, status = {}) {
  const { id, seq, user, data, html, at } = event;
  if (isNotice(event)) return { key: `seq:${seq}`, seq, at, notice: event };
  const own = user === me;
  const key = own && id ? `id:${id}` : `seq:${seq}`;
  const shown = { key, id, seq, user, data, html, at, own, state: "sent", replyTo: event.reply_to, ...changes(event) };
  return { ...shown, ...status };
}

const changes = ({ edited_at: edited, deleted_at: deleted, reactions }) => ({
  edited: Boolean(edited),
  deleted: Boolean(deleted),
  reactions: reactions ?? {},
});

/** An entry of the outbox: "sending", "failed", or, without a connection, `availability`: "waiting" for it or for a "login". */
export function pending({ id, type, data, at, state, problem, final, replyTo }, me, { availability }) {
  const shown = state === "sending" && availability !== "online" ? availability : state;
  return { key: `id:${id}`, id, user: me, data, at, problem, final, own: true, state: shown, change: type, replyTo, ...changes({}) };
}

/** The command that says an entry. */
export function asCommand(entry) {
  return isChange(entry) ? changeCommand(entry) : messageCommand(entry);
}

function changeCommand({ id, type, room, target, data, emoji, on }) {
  const facts = { [Type.EDIT]: { data }, [Type.DELETE]: {}, [Type.REACT]: { emoji, on } }[type];
  return { type, id, room, target, ...facts };
}

function messageCommand({ id, key, data, replyTo }) {
  const reply = replyTo === undefined ? {} : { reply_to: replyTo };
  return key.startsWith("@")
    ? { type: Type.SINGLE_CHAT, to: key.slice(1), data, id, ...reply }
    : { type: Type.GROUP_CHAT, room: Number(key.slice(1)), data, id, ...reply };
}

/** The event that the server stored for an entry, as its reply tells it. */
export function asEvent(entry, { room, seq, at }, me) {
  return { ...asCommand(entry), room, seq, at, user: me, acknowledged: true };
}

/** Group rooms by number, the lobby first, archived ones only while open; direct conversations that exist or are open, newest first. */
export function listed(conversations, current) {
  const rooms = conversations.filter(
    ({ isDirect, room, archived, key }) => !isDirect && room !== null && (!archived || key === current),
  );
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
  if (key === roomKey(1) && (!title || title === "Lobby")) return lobby;
  return title || key;
}
