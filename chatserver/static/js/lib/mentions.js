/** Who is called in a text: `@name`, also with the full-width ＠, as the server reads it. */

const MENTION = /(?<![A-Za-z0-9_.])[@＠]([\p{L}\p{M}\p{N}_.-]{2,32})/gu;
const EVERYBODY = "all";
const MOST = 50; // names that one text may call
const MEANINGS = 100; // shorter names that those of one text may mean
const SPACELESS = "\u2e80"; // from here on, scripts that put no space behind a name
// Quotations, code blocks, code, links and addresses call nobody: see chatserver/text/mentions.py.
const VERBATIM =
  /(?:^|\n)[ \t]*>(?:[ \t>]*\p{L}|[ \t])[^\n]*|(?:^|\n)[ \t]*(`{3,})[^`][\s\S]*?(?:\1|$)|(?<!`)(`{1,16})(?!`)[\s\S]+?(?<!`)\2(?!`)|\[[^[\]\n]+\]\((?:https?:\/\/|mailto:)[^\s)]*\)|(?<![A-Za-z0-9])(?:https?:\/\/|www\.)[!#-;=?-_a-~\u00a1-\u1fff]+/giu;

/** The name by which users are found: width and case do not matter. */
export const fold = (name) => name.normalize("NFKC").toLowerCase();

/**
 * `text` as a list of {text} and {text, mention}; joined, the texts are `text`. Only users and "all" are mentioned:
 * `isUser(name)`, for a folded name, is asked for the longest name first.
 */
export function splitMentions(text, isUser) {
  const parts = [];
  let end = 0;
  const found = [...text.matchAll(MENTION)].slice(0, MOST);
  const meant = meanings(found.map(([, name]) => name));
  for (const { 1: name, index } of found) {
    const mention = userIn(meant.get(fold(name)), isUser);
    if (!mention) continue;
    if (index > end) parts.push({ text: text.slice(end, index) });
    end = index + 1 + lengthOf(mention, name);
    parts.push({ text: text.slice(index, end), mention });
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  return parts;
}

const userIn = (names, isUser) => names.find((name) => name === EVERYBODY || isUser(name));

/** The length of the beginning of `name` that is `folded`. */
function lengthOf(folded, name) {
  let length = 1;
  while (length < name.length && fold(name.slice(0, length)) !== folded) length += 1;
  return length;
}

/** For each different name that is called, folded: the names that it may mean, the longest first. */
function meanings(names) {
  let left = MEANINGS;
  const found = new Map();
  for (const name of new Set(names.map(fold))) {
    const shorter = left > 0 ? ends(name) : [];
    left -= shorter.length;
    const whole = [name, ...shorter.map((end) => name.slice(0, end))];
    found.set(name, [...new Set([...whole, ...whole.map((one) => one.replace(/[.\-_]+$/, ""))])]);
  }
  return found;
}

/** Where a called name may end before its end: text without spaces may go on behind a name. */
function ends(name) {
  const before = Array.from({ length: Math.max(0, name.length - 2) }, (_, back) => name.length - 1 - back);
  return before.filter((end) => mayEnd(name, end));
}

const mayEnd = (name, end) => name[end] >= SPACELESS || name[end - 1] >= SPACELESS;

/** True when `text` mentions `person` or everybody. `isUser(name)`: other users, whose names may be longer. */
export function isMentioned(text, user, isUser = () => false) {
  if (!/[@＠]/.test(text)) return false;
  const found = [...text.replace(VERBATIM, " ").matchAll(MENTION)].slice(0, MOST);
  const key = fold(user);
  return [...meanings(found.map(([, name]) => name)).values()].some((names) => {
    const mentioned = userIn(names, (name) => name === key || isUser(name));
    return mentioned === key || mentioned === EVERYBODY;
  });
}

/** True when a mention, as `called` finds it, is one of `person`. */
export const isMentionOf = (mention, user) => mention === EVERYBODY || mention === fold(user);

/** What is being completed at the end of `text`: {query, start}, or null. */
export function incompleteMention(text) {
  const found = /(?:^|[^A-Za-z0-9_.@＠])[@＠]([\p{L}\p{M}\p{N}_.-]{0,32})$/u.exec(text);
  return found && { query: fold(found[1]), start: text.length - found[1].length - 1 };
}

/** People whose name or display name fits `query`, the best first; `people`: [{name, display}]. */
export function matching(people, query, limit = 6) {
  const ranked = people.map((person) => ({ person, rank: rank(person, query) })).filter((one) => one.rank < 4);
  return ranked.sort((a, b) => a.rank - b.rank).slice(0, limit).map(({ person }) => person);
}

/** The same with `everybody`, the row of @all, where its name begins so: never cut off, behind people of its rank. */
export function matchingWithAll(everybody, people, query) {
  const found = matching(people, query);
  if (!everybody.name.startsWith(query)) return found;
  const first = rank({ name: everybody.name, display: everybody.name }, query);
  const place = found.findIndex((person) => rank(person, query) > first);
  const before = place < 0 ? found.length : place;
  return [...found.slice(0, before), everybody, ...found.slice(before)];
}

/** 0: one of the names; 1: beginning of the name; 2: of a word of the display name; 3: inside; 4: not at all. */
function rank(person, query) {
  const [name, display] = [fold(person.name), fold(person.display)];
  if (name === query || display === query) return 0;
  if (name.startsWith(query)) return 1;
  if (beginsWord(display, query)) return 2;
  return display.includes(query) || name.includes(query) ? 3 : 4;
}

function beginsWord(text, query) {
  let at = text.indexOf(query);
  while (at > 0 && /[\p{L}\p{N}\p{M}]$/u.test(text.slice(0, at))) at = text.indexOf(query, at + 1);
  return at >= 0;
}
