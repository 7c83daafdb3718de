/** Find mentions in text: `@name`, also with the full-width ＠, by the rules of chatserver/text/mentions.py. */

const MENTION = /(?<![A-Za-z0-9_.])[@＠]([\p{L}\p{M}\p{N}_.-]{2,32})/gu;
export const ALL_NAMES = ["all", "everyone", "所有人"]; // each mentions every member
const MAX_MENTIONS = 50; // mentions in one text
const MAX_CANDIDATES = 100; // shorter names that are tried for one text
const SPACELESS = "\u2e80"; // from this code point on, scripts that put no space after a name
// Quotations, code, links and URLs contain no mentions.
const VERBATIM =
  /(?:^|\n)[ \t]*>(?:[ \t>]*\p{L}|[ \t])[^\n]*|(?:^|\n)[ \t]*(`{3,})[^`][\s\S]*?(?:\1|$)|(?<!`)(`{1,16})(?!`)[\s\S]+?(?<!`)\2(?!`)|\[[^[\]\n]+\]\((?:https?:\/\/|mailto:)[^\s)]*\)|(?<![A-Za-z0-9])(?:https?:\/\/|www\.)[!#-;=?-_a-~\u00a1-\u1fff]+/giu;

/** The form in which user names are compared: width and case do not matter. */
export const foldName = (name) => name.normalize("NFKC").toLowerCase();

/**
 * Split `text` into a list of {text} and {text, mention}; joined, the texts are `text`. Only users and ALL_NAMES are
 * mentioned: `isUser(name)` is called with folded names, the longest first.
 */
export function splitMentions(text, isUser) {
  const parts = [];
  let end = 0;
  const found = [...text.matchAll(MENTION)].slice(0, MAX_MENTIONS);
  const candidatesOf = candidates(found.map(([, name]) => name));
  for (const { 1: name, index } of found) {
    const mention = firstUser(candidatesOf.get(foldName(name)), isUser);
    if (!mention) continue;
    if (index > end) parts.push({ text: text.slice(end, index) });
    end = index + 1 + lengthOf(mention, name);
    parts.push({ text: text.slice(index, end), mention });
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  return parts;
}

const firstUser = (names, isUser) => names.find((name) => ALL_NAMES.includes(name) || isUser(name));

/** The length of the prefix of `name` that folds to `folded`. */
function lengthOf(folded, name) {
  let length = 1;
  while (length < name.length && foldName(name.slice(0, length)) !== folded) length += 1;
  return length;
}

/** For each distinct name, folded: the user names that it may contain, the longest first. */
function candidates(names) {
  let left = MAX_CANDIDATES;
  const found = new Map();
  for (const name of new Set(names.map(foldName))) {
    const shorter = left > 0 ? ends(name) : [];
    left -= shorter.length;
    const whole = [name, ...shorter.map((end) => name.slice(0, end))];
    found.set(name, [...new Set([...whole, ...whole.map((one) => one.replace(/[.\-_]+$/, ""))])]);
  }
  return found;
}

/** The positions where a name may end earlier, because text without spaces may follow it. */
function ends(name) {
  const before = Array.from({ length: Math.max(0, name.length - 2) }, (_, back) => name.length - 1 - back);
  return before.filter((end) => mayEnd(name, end));
}

const mayEnd = (name, end) => name[end] >= SPACELESS || name[end - 1] >= SPACELESS;

/** Whether `text` mentions `user` or all. `isUser(name)`: whether another user has that name, which may be longer. */
export const isMentioned = (text, user, isUser) => mentionedNames(text, user, isUser).some((name) => isMentionOf(name, user));

/** Whether `text` mentions `user` by name (`mentionsUser`), and all members (`mentionsAll`). */
export function mentionsIn(text, user, isUser) {
  const names = mentionedNames(text, user, isUser);
  const key = foldName(user);
  return { mentionsUser: names.includes(key), mentionsAll: names.some((name) => name !== key && isMentionOf(name, user)) };
}

/** The folded names that `text` mentions: `user`, all, and those for which `isUser(name)`. */
function mentionedNames(text, user, isUser = () => false) {
  if (!/[@＠]/.test(text)) return [];
  const found = [...text.replace(VERBATIM, " ").matchAll(MENTION)].slice(0, MAX_MENTIONS);
  const key = foldName(user);
  const meanings = [...candidates(found.map(([, name]) => name)).values()];
  return meanings.map((names) => firstUser(names, (name) => name === key || isUser(name))).filter((name) => name !== undefined);
}

/** Whether a mention, as `splitMentions` returns it, is one of `user`. */
export const isMentionOf = (mention, user) => ALL_NAMES.includes(mention) || mention === foldName(user);

/** The incomplete mention at the end of `text`: {query, start}, or null. */
export function incompleteMention(text) {
  const found = /(?:^|[^A-Za-z0-9_.@＠])[@＠]([\p{L}\p{M}\p{N}_.-]{0,32})$/u.exec(text);
  return found && { query: foldName(found[1]), start: text.length - found[1].length - 1 };
}

/** Whether `before` ends with a mention, the space after it, and a Chinese punctuation mark, which has no space before it. */
export const hasSpaceBeforeMark = (before) => /@[\p{L}\p{N}_.-]+ [，。！？、；：）」』》…]$/u.test(before);
