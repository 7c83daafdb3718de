/** What a search asks for, and how its hits are shown. The rules of the words are those of tokens.py. */

import { fold, foldedWithPlaces, isInWord, plain } from "./fold.js";

const PARTS = /(?:from|in|before|after):(?:"[^"]+"|\S*)|"([^"]+)"|(\S+)/giu;
const DAYS = /("[^"]*"?)|\b(before|after):(\d{4})-(\d\d)-(\d\d)(?=\s|$)/gi;
const ROOM = /("[^"]*"?)|(?<!\S)in[:：]#?(?:"([^"]+)"|(\S+))/giu;
const LEAD = 60; // characters before the first hit of an excerpt

/**
 * The pieces of text that `query` asks for, folded; null where it has only filters. A word is found
 * whole, `begin*` by its beginning, and Chinese by any part.
 */
export function pieces(query) {
  const words = [...plain(query).matchAll(PARTS)].map(([, phrase, word]) => piece(fold(phrase ?? word ?? ""), !phrase));
  const wanted = words.filter(Boolean);
  return wanted.length > 0 ? wanted : null;
}

function piece(folded, mayBegin) {
  if (!/[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(folded)) return null; // nothing that is seen
  const begins = mayBegin && /[\p{L}\p{M}\p{N}]\*$/u.test(folded);
  const text = begins ? folded.slice(0, -1) : folded;
  return { text, wholeStart: isInWord(text, 0), wholeEnd: !begins && isInWord(text, lastCharacter(text, text.length)) };
}

const lastCharacter = (text, end) => end - (/[\udc00-\udfff]$/.test(text.slice(0, end)) ? 2 : 1);

/** Where the pieces are in `text`: [start, end], in order and without overlaps. */
function places(text, wanted) {
  const { folded, starts, ends } = foldedWithPlaces(text);
  const found = wanted.flatMap((one) => placesOf(one, folded));
  const ranges = found.map(([start, end]) => [starts[start], ends[end - 1]]);
  return withoutOverlaps(ranges.sort((a, b) => a[0] - b[0] || b[1] - a[1]));
}

function withoutOverlaps(ranges) {
  const apart = [];
  for (const range of ranges) if (apart.length === 0 || range[0] >= apart.at(-1)[1]) apart.push(range);
  return apart;
}

function placesOf({ text, wholeStart, wholeEnd }, folded) {
  const found = [];
  for (let start = folded.indexOf(text); start >= 0; start = folded.indexOf(text, start + 1)) {
    const end = start + text.length;
    const insideBefore = wholeStart && start > 0 && isInWord(folded, lastCharacter(folded, start));
    const insideAfter = wholeEnd && end < folded.length && isInWord(folded, end);
    if (!insideBefore && !insideAfter) found.push([start, end]);
  }
  return found;
}

/** The parts of `text` in order: {text, hit}. `wanted` is what `pieces` returns. */
export function marked(text, wanted) {
  const parts = [];
  let last = 0;
  for (const [start, end] of wanted ? places(text, wanted) : []) {
    if (start > last) parts.push({ text: text.slice(last, start), hit: false });
    parts.push({ text: text.slice(start, end), hit: true });
    last = end;
  }
  if (last < text.length) parts.push({ text: text.slice(last), hit: false });
  return parts;
}

/** At most `length` characters around the first hit, on one line. */
export function excerpt(text, wanted, length = 240) {
  const line = text.replace(/\s+/g, " ").trim();
  const [first = 0] = wanted ? (places(line, wanted)[0] ?? []) : [];
  const letters = Array.from(line);
  const before = Array.from(line.slice(0, first)).length;
  const start = before > LEAD * 2 ? before - LEAD : 0;
  const cut = letters.slice(start, start + length).join("");
  return `${start > 0 ? "…" : ""}${cut}${start + length < letters.length ? "…" : ""}`;
}

/** The same query with the days of before: and after: as the reader's, not as those of UTC. */
export function zoned(query) {
  return query.replace(DAYS, (whole, quoted, filter, year, month, day) => {
    const date = new Date(Number(year), Number(month) - 1, Number(day));
    const real = !quoted && date.getMonth() === Number(month) - 1;
    return real ? `${filter}:${date.toISOString()}` : whole;
  });
}

/** The same query with the lobby by its name, where it says what the reader's language calls it. */
export function placed(query, { word, name }) {
  const plain = (text) => text.normalize("NFKC").toLowerCase();
  return query.replace(ROOM, (whole, quoted, phrase, single) => {
    const meant = !quoted && plain(phrase ?? single) === plain(word);
    return meant ? `in:${name}` : whole;
  });
}
