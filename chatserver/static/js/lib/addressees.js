/** Users whom a message can mention, members of its room before the others. A user is {name, display}. */

import { matching, matchingWithAll } from "./mentions.js";

const MOST = 6; // users in a list of suggestions

/** `everybody` as {members, others}; `members`: those of the room, null where every user is one. */
export function grouped(everybody, members) {
  if (members === null) return { members: everybody, others: [] };
  const names = new Set(members.map(({ name }) => name));
  const known = new Set(everybody.map(({ name }) => name));
  return {
    members: [...everybody.filter(({ name }) => names.has(name)), ...members.filter(({ name }) => !known.has(name))],
    others: everybody.filter(({ name }) => !names.has(name)),
  };
}

/** Users who fit `query`, with the row `all` for everybody; those outside the room come last, as {…, outside}. */
export function suggested({ members, others }, query, all) {
  const found = matchingWithAll(all, members, query);
  const room = MOST - found.filter((one) => one !== all).length;
  const outside = room > 0 ? matching(others, query, room) : [];
  return [...found, ...outside.map((person) => ({ ...person, outside: true }))];
}
