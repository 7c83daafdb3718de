/** Parse search queries and highlight hits; the rules for words are those of chatserver/text/search_terms.py. */

import { fold, foldWithOffsets, isInWord, plain } from "./fold.js";
import { foldName } from "./mentions.js";

const PARTS = /(?:from|in|before|after|has):(?:"[^"]+"|\S*)|filename:("[^"]+"|\S*)|"([^"]+)"|(\S+)/giu;
const DAYS = /("[^"]*"?)|\b(before|after):(\d{4})-(\d\d)-(\d\d)(?=\s|$)/gi;
const ROOM = /("[^"]*"?)|(?<!\S)in[:：]#?(?:"([^"]+)"|(\S+))/giu;
const LEAD = 60; // characters before the first hit of an excerpt

/**
 * The search terms of `query`, folded; null if it has only filters. A word matches as a whole,
 * `begin*` matches a prefix, and Chinese text matches any part.
 */
export function searchTerms(query) {
  const found = [...plain(query).matchAll(PARTS)].map(([, , phrase, word]) => searchTerm(fold(phrase ?? word ?? ""), !phrase));
  const terms = found.filter(Boolean);
  return terms.length > 0 ? terms : null;
}

/** The terms for names of files: those of `query` and of its filter filename:, which matches prefixes. */
export function fileTerms(query) {
  const named = [...plain(query).matchAll(PARTS)].flatMap(([, name]) => {
    const term = name && searchTerm(fold(name.replace(/^"+|"+$/g, "")), true);
    return term ? [{ ...term, wholeEnd: false }] : [];
  });
  const terms = [...(searchTerms(query) ?? []), ...named];
  return terms.length > 0 ? terms : null;
}

/** Whether `text` contains one of the terms. */
export function hasHit(text, terms) {
  const folded = fold(text);
  return Boolean(terms?.some((term) => rangesOf(term, folded).length > 0));
}

function searchTerm(folded, mayBegin) {
  if (!/[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(folded)) return null; // nothing visible
  const begins = mayBegin && /[\p{L}\p{M}\p{N}]\*$/u.test(folded);
  const text = begins ? folded.slice(0, -1) : folded;
  return { text, wholeStart: isInWord(text, 0), wholeEnd: !begins && isInWord(text, lastCharacter(text, text.length)) };
}

const lastCharacter = (text, end) => end - (/[\udc00-\udfff]$/.test(text.slice(0, end)) ? 2 : 1);

/** The ranges [start, end] of the terms in `text`, in order and without overlaps. */
function ranges(text, terms) {
  const { folded, starts, ends } = foldWithOffsets(text);
  const found = terms.flatMap((one) => rangesOf(one, folded));
  const all = found.map(([start, end]) => [starts[start], ends[end - 1]]);
  return withoutOverlaps(all.sort((a, b) => a[0] - b[0] || b[1] - a[1]));
}

function withoutOverlaps(ranges) {
  const apart = [];
  for (const range of ranges) if (apart.length === 0 || range[0] >= apart.at(-1)[1]) apart.push(range);
  return apart;
}

function rangesOf({ text, wholeStart, wholeEnd }, folded) {
  const found = [];
  for (let start = folded.indexOf(text); start >= 0; start = folded.indexOf(text, start + 1)) {
    const end = start + text.length;
    const insideBefore = wholeStart && start > 0 && isInWord(folded, lastCharacter(folded, start));
    const insideAfter = wholeEnd && end < folded.length && isInWord(folded, end);
    if (!insideBefore && !insideAfter) found.push([start, end]);
  }
  return found;
}

/** Split `text` into parts {text, hit}. `terms`: what `searchTerms` returned. */
export function highlighted(text, terms) {
  const parts = [];
  let last = 0;
  for (const [start, end] of terms ? ranges(text, terms) : []) {
    if (start > last) parts.push({ text: text.slice(last, start), hit: false });
    parts.push({ text: text.slice(start, end), hit: true });
    last = end;
  }
  if (last < text.length) parts.push({ text: text.slice(last), hit: false });
  return parts;
}

/** At most `length` characters around the first hit, on one line. */
export function excerpt(text, terms, length = 240) {
  const line = text.replace(/\s+/g, " ").trim();
  const [first = 0] = terms ? (ranges(line, terms)[0] ?? []) : [];
  const letters = Array.from(line);
  const before = Array.from(line.slice(0, first)).length;
  const start = before > LEAD * 2 ? before - LEAD : 0;
  const cut = letters.slice(start, start + length).join("");
  return `${start > 0 ? "…" : ""}${cut}${start + length < letters.length ? "…" : ""}`;
}

/** The query with the days of before: and after: in the browser's time zone instead of UTC. */
export function withLocalDays(query) {
  return query.replace(DAYS, (whole, quoted, filter, year, month, day) => {
    const date = new Date(Number(year), Number(month) - 1, Number(day));
    const real = !quoted && date.getMonth() === Number(month) - 1;
    return real ? `${filter}:${date.toISOString()}` : whole;
  });
}

/** The query with the lobby's translated name after in: replaced by its real name. */
export function withLobbyName(query, { word, name }) {
  return query.replace(ROOM, (whole, quoted, phrase, single) => {
    const meant = !quoted && foldName(phrase ?? single) === foldName(word);
    return meant ? `in:${name}` : whole;
  });
}
