/** Find names of rooms in text: `#name`, also with the full-width ＃. */

import { foldName } from "./mentions.js";

const NAME = "[\\p{L}\\p{M}\\p{N}_.-]";
const BEFORE = "[A-Za-z0-9_./&#＃-]"; // not inside a word, an address or `##`; Chinese has no spaces
const ROOM = new RegExp(`(?<!${BEFORE})[#＃](${NAME}{2,32})`, "gu");
const UNFINISHED = new RegExp(`(?<!${BEFORE})[#＃](${NAME}{0,32})$`, "u");
const MAX_LINKS = 50; // in one text
const SPACELESS = "\u2e80"; // from this code point on, scripts that put no space after a name

/**
 * Split `text` into a list of {text} and {text, room}; joined, the texts are `text`. `roomOf(name)` returns the room of a
 * folded name, or undefined; the longest name that has one counts.
 */
export function splitRooms(text, roomOf) {
  if (!/[#＃]/.test(text)) return [{ text }];
  const parts = [];
  let end = 0;
  for (const { 1: name, index } of [...text.matchAll(ROOM)].slice(0, MAX_LINKS)) {
    const found = longest(name, roomOf);
    if (!found) continue;
    if (index > end) parts.push({ text: text.slice(end, index) });
    end = index + 1 + found.length;
    parts.push({ text: text.slice(index, end), room: found.room });
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  return parts;
}

/** {length, room} of the longest beginning of `name` that is a room, or null. */
function longest(name, roomOf) {
  for (let length = name.length; length >= 2; length -= 1) {
    const room = mayEnd(name, length) ? roomOf(foldName(name.slice(0, length))) : undefined;
    if (room) return { length, room };
  }
  return null;
}

/** A name may end before a mark, and where a script begins or ends that has no spaces. */
const mayEnd = (name, end) => end === name.length || /[.\-_]/.test(name[end]) || name[end] >= SPACELESS || name[end - 1] >= SPACELESS;

/** The incomplete name of a room at the end of `text`: {query, start}, or null. */
export function incompleteRoom(text) {
  const found = UNFINISHED.exec(text);
  return found && { query: foldName(found[1]), start: found.index };
}
