/** Sort conversations into the sections of their list. */

import { sortedByName } from "./collation.js";
import { roomKey } from "./route.js";
import { LOBBY } from "../net/protocol.js";

const SHORT_LIST = 20; // rows; in a longer list the unread ones come first
const RECENT = 20; // direct conversations that are listed, besides those that are open or have a draft

export const BY_NAME = "name";
export const BY_ACTIVITY = "activity";

/** Sections with conversations of both kinds, or of one, and the order that they have unless the user changes it. */
export const ORDERS = Object.freeze({ favorites: BY_NAME, rooms: BY_NAME, direct: BY_ACTIVITY });

/** Whether the conversation has messages that the user wants to see: in a muted one, only mentions. */
export const isCalling = ({ unread, mentions, muted, archived }) => !archived && ((unread > 0 && !muted) || mentions > 0);

/**
 * {unread, favorites, rooms, direct}: each conversation is in one of them. `rooms`, `direct`: see `listed`; `orderOf(section)`
 * is BY_NAME or BY_ACTIVITY; `isKept(key)`: the direct conversation is listed although it is not a recent one. The open
 * conversation, `current`, stays in its own section while the user reads it.
 */
export function sections({ rooms, direct }, { current, orderOf, nameOf, isKept }) {
  const all = [...rooms, ...direct];
  const isFirst = (one) => all.length > SHORT_LIST && one.key !== current && isCalling(one);
  const isFavorite = (one) => one.favorite && !isFirst(one);
  const isOther = (one) => !one.favorite && !isFirst(one);
  const ordered = (section, list) => (orderOf(section) === BY_NAME ? byName(list, nameOf) : byActivity(list));
  return {
    unread: byActivity(all.filter(isFirst)).sort((a, b) => Number(b.mentions > 0) - Number(a.mentions > 0)),
    favorites: ordered("favorites", all.filter(isFavorite)),
    rooms: ordered("rooms", rooms.filter(isOther)),
    direct: ordered("direct", recent(direct.filter(isOther), isKept)),
  };
}

const byActivity = (list) => [...list].sort((a, b) => b.lastAt - a.lastAt);

/** The lobby comes first. */
const byName = (list, nameOf) => sortedByName(list, (one) => (one.key === roomKey(LOBBY) ? "" : nameOf(one)));

const recent = (direct, isKept) => byActivity(direct).filter((one, place) => place < RECENT || isKept(one.key));
