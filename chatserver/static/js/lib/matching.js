/** Find users and rooms by a part of their names, or by the pinyin of Chinese ones. */

import { foldName } from "./mentions.js";
import { spelledAt } from "./pinyin.js";

const NO_MATCH = 4;

/** Users whose name or display name matches `query`, the best first; `users`: [{name, display}]. */
export function matching(users, query, limit = 6) {
  const ranked = users.map((user) => ({ user, rank: rank(user, query) })).filter((one) => one.rank < NO_MATCH);
  return ranked.sort((a, b) => a.rank - b.rank).slice(0, limit).map(({ user }) => user);
}

/** The same with `all`, the row of @all, after users of its rank if its name starts with `query`. */
export function matchingWithAll(all, users, query) {
  const found = matching(users, query);
  if (!all.name.startsWith(query)) return found;
  const first = rank({ name: all.name, display: all.name }, query);
  const place = found.findIndex((user) => rank(user, query) > first);
  const before = place < 0 ? found.length : place;
  return [...found.slice(0, before), all, ...found.slice(before)];
}

/** Whether {name, display} matches `query`. */
export const fits = (one, query) => rank(one, query) < NO_MATCH;

/** 0: exact match; 1: prefix of the name; 2: of a word of the display name or its pinyin; 3: inside; 4: no match. */
function rank(user, query) {
  const [name, display] = [foldName(user.name), foldName(user.display)];
  if (name === query || display === query) return 0;
  if (name.startsWith(query)) return 1;
  if (beginsWord(display, query)) return 2;
  const spelled = spelledAt(display, query);
  if (spelled === 0) return 2;
  return spelled > 0 || display.includes(query) || name.includes(query) ? 3 : NO_MATCH;
}

function beginsWord(text, query) {
  let at = text.indexOf(query);
  while (at > 0 && /[\p{L}\p{N}\p{M}]$/u.test(text.slice(0, at))) at = text.indexOf(query, at + 1);
  return at >= 0;
}
