/**
 * Messages as the list shows them: {key, id, seq, user, data, html, at, own, state, problem, final, change, files, edited, deleted,
 * reactions, replyTo}; a notice is {key, seq, at, notice}. `change`: the type of a pending edit, deletion or reaction, to
 * which `id`, `state`, `problem` and `final` then belong.
 */

import { isChange, isNotice, Type } from "../net/protocol.js";
import { pendingFiles } from "./outbox-files.js";
import { roomKey } from "./route.js";

/** A stored event. An own message keeps the key of its outbox entry. `status`: of a pending change of it, if any. */
export function stored(event, me, status = {}) {
  const { id, seq, user, data, html, at } = event;
  if (isNotice(event)) return { key: `seq:${seq}`, seq, at, notice: event };
  const own = user === me;
  const key = own && id ? `id:${id}` : `seq:${seq}`;
  const shown = { key, id, seq, user, data, html, at, own, state: "sent", files: event.files ?? [], replyTo: event.reply_to, ...changes(event) };
  return { ...shown, ...status };
}

/** A message of which a file was deleted is not shown as edited, because its author may not have changed it. */
const changes = ({ edited_at: edited, deleted_at: deleted, reactions, files = [] }) => ({
  edited: Boolean(edited) && !files.some(({ removed }) => removed),
  deleted: Boolean(deleted),
  reactions: reactions ?? {},
});

/** An outbox entry. `availability`: of the connection, shown as the state while it is not "online": "waiting" or "login". */
export function pending({ id, type, data, at, state, problem, final, replyTo, files }, me, { availability }) {
  const shown = state === "sending" && availability !== "online" ? availability : state;
  const own = { own: true, state: shown, change: type, replyTo, files: pendingFiles(files) };
  return { key: `id:${id}`, id, user: me, data, at, problem, final, ...own, ...changes({}) };
}

/** The command of an outbox entry. */
export function asCommand(entry) {
  return isChange(entry) ? changeCommand(entry) : messageCommand(entry);
}

function changeCommand({ id, type, room, target, data, emoji, on }) {
  const fields = { [Type.EDIT]: { data }, [Type.DELETE]: {}, [Type.REACT]: { emoji, on } }[type];
  return { type, id, room, target, ...fields };
}

function messageCommand({ id, key, data, replyTo, files }) {
  const reply = { ...(replyTo !== undefined && { reply_to: replyTo }), ...(files && { files: files.map(({ uploaded }) => uploaded.id) }) };
  return key.startsWith("@")
    ? { type: Type.SINGLE_CHAT, to: key.slice(1), data, id, ...reply }
    : { type: Type.GROUP_CHAT, room: Number(key.slice(1)), data, id, ...reply };
}

/** The event of an outbox entry, from its reply. */
export function asEvent(entry, { room, seq, at }, me) {
  const files = entry.files && { files: entry.files.map(({ uploaded }) => uploaded) };
  return { ...asCommand(entry), ...files, room, seq, at, user: me, acknowledged: true };
}

/**
 * Rooms by number, archived ones only while open; all `archived` rooms; direct conversations that have messages or are
 * open, newest first.
 */
export function listed(conversations, current) {
  const all = conversations.filter(({ isDirect, room }) => !isDirect && room !== null);
  const rooms = all.filter(({ archived, key }) => !archived || key === current);
  const direct = conversations.filter(({ isDirect, room, key }) => isDirect && (room !== null || key === current));
  return {
    rooms: rooms.sort((a, b) => a.room - b.room),
    archived: all.filter(({ archived }) => archived),
    direct: direct.sort((a, b) => b.lastAt - a.lastAt),
  };
}

/** "room", "direct", or "self" for notes to oneself. */
export function kindOf({ to }, me) {
  if (to === null) return "room";
  return to === me ? "self" : "direct";
}

/** The shown name of a room; the default name of the lobby is translated. */
export function roomName({ title, key }, lobby) {
  if (key === roomKey(1) && (!title || title === "Lobby")) return lobby;
  return title || key;
}
