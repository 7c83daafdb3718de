/** What edits, deletions and reactions make of a message. Pure: a changed message is a new object. */

import { Type } from "../net/protocol.js";

/** `message` after `act`. A deleted message stays deleted, whatever is told of it later. */
export function applied(message, change) {
  if (message.deleted_at) return message;
  switch (change.type) {
    case Type.EDIT:
      return { ...message, data: change.data, html: change.html, edited_at: change.at };
    case Type.DELETE:
      return { ...message, data: "", html: undefined, deleted_at: change.at, edited_at: undefined, reactions: undefined };
    case Type.REACT:
      return { ...message, reactions: reacted(message.reactions ?? {}, change) };
    default:
      return message;
  }
}

/** {emoji: [names]} with or without one name; an emoji without names is gone. */
function reacted(reactions, { emoji, user, on }) {
  const others = (reactions[emoji] ?? []).filter((name) => name !== user);
  const names = on ? [...others, user] : others;
  const entries = Object.entries({ ...reactions, [emoji]: names });
  return Object.fromEntries(entries.filter(([, found]) => found.length > 0));
}
