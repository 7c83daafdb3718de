/** Apply edits, deletions and reactions to messages. Pure: a changed message is a new object. */

import { Type } from "../net/protocol.js";

/** `message` after `change`. A deleted message stays deleted. */
export function applied(message, change) {
  if (message.deleted_at) return message;
  switch (change.type) {
    case Type.EDIT:
      return { ...message, data: change.data, html: change.html, files: change.files, edited_at: change.at };
    case Type.DELETE:
      return { ...message, data: "", html: undefined, files: undefined, deleted_at: change.at, edited_at: undefined, reactions: undefined };
    case Type.REACT:
      return { ...message, reactions: reacted(message.reactions ?? {}, change) };
    default:
      return message;
  }
}

/** {emoji: [names]} with the user added or removed; an emoji without names is removed. */
function reacted(reactions, { emoji, user, on }) {
  const others = (reactions[emoji] ?? []).filter((name) => name !== user);
  const names = on ? [...others, user] : others;
  const entries = Object.entries({ ...reactions, [emoji]: names });
  return Object.fromEntries(entries.filter(([, found]) => found.length > 0));
}
