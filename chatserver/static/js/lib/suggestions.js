/** Suggestions for mentions: matching members of the room before other users. A user is {name, display}. */

import { matching, matchingWithAll } from "./matching.js";

const MAX_SUGGESTIONS = 6;

/** Users that match `query`, and the row `all` for @all; users outside the room come last, with `outside` set. */
export function suggested({ members, others }, query, all) {
  const found = matchingWithAll(all, members, query);
  const free = MAX_SUGGESTIONS - found.filter((one) => one !== all).length;
  const outside = free > 0 ? matching(others, query, free) : [];
  return [...found, ...outside.map((user) => ({ ...user, outside: true }))];
}
