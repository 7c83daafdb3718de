/** Candidates for mentions: members of the room before other users. A user is {name, display}. */

import { matching, matchingWithAll } from "./mentions.js";

const MAX_SUGGESTIONS = 6;

/** Split `users` into {members, others}. `members`: the members of the room, or null where every user is one. */
export function grouped(users, members) {
  if (members === null) return { members: users, others: [] };
  const names = new Set(members.map(({ name }) => name));
  const known = new Set(users.map(({ name }) => name));
  return {
    members: [...users.filter(({ name }) => names.has(name)), ...members.filter(({ name }) => !known.has(name))],
    others: users.filter(({ name }) => !names.has(name)),
  };
}

/** Users that match `query`, and the row `all` for @all; users outside the room come last, with `outside` set. */
export function suggested({ members, others }, query, all) {
  const found = matchingWithAll(all, members, query);
  const free = MAX_SUGGESTIONS - found.filter((one) => one !== all).length;
  const outside = free > 0 ? matching(others, query, free) : [];
  return [...found, ...outside.map((user) => ({ ...user, outside: true }))];
}
