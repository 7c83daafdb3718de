/** Text with links to the rooms that it names. Part of lazy-bundle.js. */

import { foldName } from "../lib/mentions.js";
import { splitRooms } from "../lib/room-links.js";
import { hashOf } from "../lib/route.js";
import { publicRooms } from "../state/public-rooms.js";
import { clone } from "./page.js";

/**
 * A function (folded name) → {key, name, title} of the room that texts link to by this name, or undefined; `all`: the
 * conversations of the user.
 */
export function roomFinder(all, nameOf) {
  let own = null; // made when a text names a room
  return (name) => {
    own ??= new Map(all.filter((one) => one.name).map((one) => [foldName(one.name), one]));
    const found = own.get(name);
    return found ? { key: found.key, name: found.name, title: nameOf(found) } : publicRooms.named(name);
  };
}

/** The rooms that `text` links to. */
export const roomsIn = (text, roomOf) => splitRooms(text, roomOf).flatMap(({ room }) => room ?? []);

/** `text` as nodes, with links that show the titles of rooms. */
export const withRooms = (text, roomOf) => splitRooms(text, roomOf).map((part) => (part.room ? linkTo(part.room) : document.createTextNode(part.text)));

function linkTo({ key, name, title }) {
  const link = clone("room-link");
  link.href = hashOf(key);
  link.textContent = `#${title}`;
  link.title = `#${name}`;
  return link;
}
