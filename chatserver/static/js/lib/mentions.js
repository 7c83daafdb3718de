/** Who is called in a text: `@name`, also with the full-width ＠, as the server reads it. */

const MENTION = /(?<![A-Za-z0-9_.])[@＠]([\p{L}\p{N}_.-]{2,32})/gu;
const EVERYBODY = "all";

const fold = (name) => name.normalize("NFKC").toLowerCase();

/** `text` as a list of {text} and {text, mention}; joined, the texts are `text`. */
export function called(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(MENTION)) {
    const name = found[1].replace(/[.\-_]+$/, "");
    if (!name) continue;
    if (found.index > end) parts.push({ text: text.slice(end, found.index) });
    end = found.index + 1 + name.length;
    parts.push({ text: text.slice(found.index, end), mention: fold(name) });
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  return parts;
}

/** True when `name` means this person. */
export const means = (name, person) => name === EVERYBODY || name === fold(person);

/** True when `text` calls `person`, or everybody. */
export const calls = (text, person) =>
  /[@＠]/.test(text) && called(text).some(({ mention }) => mention !== undefined && means(mention, person));

/** What is being completed at the end of `text`: {query, start}, or null. */
export function unfinished(text) {
  const found = /(?:^|[^A-Za-z0-9_.@＠])[@＠]([\p{L}\p{N}_.-]{0,32})$/u.exec(text);
  return found && { query: fold(found[1]), start: text.length - found[1].length - 1 };
}

/** People whose name or display name fits `query`, the best first; `people`: [{name, display}]. */
export function fitting(people, query, limit = 6) {
  const rank = ({ name, display }) => {
    if (fold(name).startsWith(query)) return 0;
    if (fold(display).startsWith(query)) return 1;
    return fold(display).includes(query) || fold(name).includes(query) ? 2 : 3;
  };
  const ranked = people.map((person) => ({ person, rank: rank(person) })).filter((one) => one.rank < 3);
  return ranked.sort((a, b) => a.rank - b.rank).slice(0, limit).map(({ person }) => person);
}
