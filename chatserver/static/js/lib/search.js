/** What a search asks for, and how its hits are shown. The rules of the words are those of tokens.py. */

const PARTS = /(?:from|in|before|after):(?:"[^"]+"|\S*)|"([^"]+)"|(\S+)/giu;
const DAYS = /("[^"]*"?)|\b(before|after):(\d{4})-(\d\d)-(\d\d)(?=\s|$)/gi;
const ROOM = /("[^"]*"?)|(?<!\S)in[:：]#?(?:"([^"]+)"|(\S+))/giu;
const UNSPACED =
  "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}\\p{Script=Thai}\\p{Script=Lao}";
const LETTER = `(?![${UNSPACED}])[\\p{L}\\p{M}\\p{N}]`;
const LEAD = 60; // characters before the first hit of an excerpt

/** A pattern of everything in a text that `query` means, or null where it has only filters. */
export function pattern(query) {
  const words = [...query.normalize("NFKC").matchAll(PARTS)].map(([, phrase, word]) => phrase ?? word);
  const sources = words.filter(Boolean).map(source).filter(Boolean);
  sources.sort((a, b) => b.length - a.length);
  return sources.length > 0 ? new RegExp(sources.join("|"), "giu") : null;
}

/** A word is found whole, `begin*` by its beginning, and Chinese by any part. */
function source(word) {
  const open = word.length > 1 && word.endsWith("*");
  const text = (open ? word.slice(0, -1) : word).trim();
  const plain = text.replace(/[\\^$.*+?()[\]{}|/-]/g, (sign) => `\\${sign}`).replace(/\s+/g, "\\s+");
  const starts = startsWithLetter.test(text) ? `(?<!${LETTER})` : "";
  const ends = endsWithLetter.test(text) && !open ? `(?!${LETTER})` : "";
  return plain && `${starts}${plain}${ends}`;
}

const startsWithLetter = new RegExp(`^${LETTER}`, "u");
const endsWithLetter = new RegExp(`${LETTER}$`, "u");

/** The parts of `text` in order: {text, hit}. */
export function marked(text, found) {
  const parts = [];
  let end = 0;
  for (const match of found ? text.matchAll(found) : []) {
    if (match.index > end) parts.push({ text: text.slice(end, match.index), hit: false });
    parts.push({ text: match[0], hit: true });
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), hit: false });
  return parts;
}

/** At most `length` characters around the first hit, on one line. */
export function excerpt(text, found, length = 240) {
  const line = text.replace(/\s+/g, " ").trim();
  const first = found ? line.search(found) : 0;
  const letters = Array.from(line);
  const before = Array.from(line.slice(0, Math.max(0, first))).length;
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
