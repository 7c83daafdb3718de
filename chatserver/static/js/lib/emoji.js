/** Find emoji by their short names. An emoji is {emoji, names}; the first name is shown. */

const NAME = "[a-z0-9_+-]{2,32}";
const WORD = "\\p{Script=Han}{1,8}";
// Not inside a URL or a time. A full-width colon is also punctuation, so it counts only at the start of a word.
const BEFORE = "(?:(?:^|[^\\p{L}\\p{N}:：/_.-]):|(?:^|\\s)：)";
const UNFINISHED = new RegExp(`${BEFORE}(${NAME}|${WORD})$`, "iu");
const WHOLE = new RegExp(`${BEFORE}(${NAME}|${WORD})[:：]$`, "iu");

/** Parse lines of the form `emoji name…`. */
export const parseEmoji = (lines) =>
  lines.map((line) => {
    const [emoji, ...names] = line.split(" ");
    return { emoji, names };
  });

/** The incomplete emoji name at the end of `text`, such as `:smi`: {query, start}, or null. */
export function incompleteName(text) {
  const query = UNFINISHED.exec(text)?.[1];
  return query === undefined ? null : { query: query.toLowerCase(), start: text.length - query.length - 1 };
}

/** The emoji name with both colons at the end of `text`, such as `:smile:`: {query, start}, or null. */
export function completedName(text) {
  const query = WHOLE.exec(text)?.[1];
  return query === undefined ? null : { query: query.toLowerCase(), start: text.length - query.length - 2 };
}

/** The emoji of exactly that name, or undefined. */
export const withName = (all, name) => all.find(({ names }) => names.includes(name));

/** Emoji whose names match `query`, the best matches and shorter names first. */
export function matching(all, query, limit = 8) {
  const rank = ({ names }) => {
    if (names.includes(query)) return 0;
    if (names[0].startsWith(query)) return 1;
    if (names.some((name) => name.startsWith(query))) return 2;
    return names.some((name) => name.includes(`_${query}`)) ? 3 : 4;
  };
  const ranked = all.map((one) => ({ one, rank: rank(one) })).filter((found) => found.rank < 4);
  ranked.sort((a, b) => a.rank - b.rank || a.one.names[0].length - b.one.names[0].length);
  return ranked.slice(0, limit).map(({ one }) => one);
}
