/** Fold text for comparison in search, and find word boundaries; the rules of chatserver/text/search_terms.py. */

const REMOVED = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufe00-\ufe0f\ufeff]/gu;
const PLAIN = { "‘": "'", "’": "'", "‛": "'", "“": '"', "”": '"', "‟": '"', "‐": "-", "‑": "-" };
const FINE = /[‘’‛“”‟‐‑]/gu;

// A character and what normalization may combine with it: marks, conjoining Hangul letters, half-width sound marks.
const CLUSTER = /\s+|[^](?:\p{M}|[\u00ad\u1160-\u11ff\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\u314f-\u3163\ufeff\uff9e\uff9f\uffc2-\uffdc])*/gu;

const UNSPACED =
  "\\u0e00-\\u0eff\\u1000-\\u109f\\u1100-\\u11ff\\u1780-\\u17ff\\u2e80-\\u2fdf\\u3005-\\u318f\\u31a0-\\u31ff" +
  "\\u3400-\\u4dbf\\u4e00-\\u9fff\\ua960-\\ua97f\\uac00-\\ud7ff\\uf900-\\ufaff\\u{1b000}-\\u{1b16f}\\u{20000}-\\u{3ffff}";
const IN_WORD = new RegExp(`^(?![${UNSPACED}])[\\p{L}\\p{M}\\p{N}]`, "u");

/** NFKC without invisible characters, and with ASCII quotes and hyphens. */
export const plain = (text) =>
  text.normalize("NFKC").replace(REMOVED, "").replace(FINE, (sign) => PLAIN[sign]);

/** Unicode case folding: ß becomes ss, ς becomes σ, and dotless ı stays. */
export const caseless = (text) =>
  text.replace(/[^ı]+/gu, (part) => part.replaceAll("ẞ", "ß").toUpperCase().toLowerCase().replaceAll("ς", "σ"));

/** `text` in the form that is compared: case-folded, trimmed, with single spaces. */
export const fold = (text) => caseless(plain(text)).normalize("NFKC").trim().replace(/\s+/gu, " ");

/** Whether the character at `index` is part of a word in a script that separates words by spaces. */
export const isInWord = (text, index) => IN_WORD.test(String.fromCodePoint(text.codePointAt(index)));

/** `text` folded but not trimmed, and for each code unit of the result its start and end in `text`. */
export function foldWithOffsets(text) {
  let folded = "";
  const starts = [];
  const ends = [];
  for (const { 0: cluster, index } of text.matchAll(CLUSTER)) {
    const part = /^\s/u.test(cluster) ? " " : caseless(plain(cluster)).normalize("NFKC");
    folded += part;
    for (let unit = 0; unit < part.length; unit += 1) {
      starts.push(index);
      ends.push(index + cluster.length);
    }
  }
  return { folded, starts, ends };
}
