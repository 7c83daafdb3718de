/** Finds web addresses in text, also where Chinese, Japanese or Korean text touches them. */

// CJK punctuation, kana, ideographs, hangul, full-width forms; typographic quotes, dashes and dots.
const CJK =
  "\\u2e80-\\u9fff\\ua960-\\ua97f\\uac00-\\ud7ff\\uf900-\\ufaff\\ufe10-\\ufe4f\\uff00-\\uffef\\u{20000}-\\u{3ffff}";
const MARKS = "\\u2013\\u2014\\u2018-\\u201f\\u2022\\u2026\\u00ab\\u00bb";
const ADDRESS = new RegExp(
  `(?<![A-Za-z0-9_])(?:https?://|www\\.)[^\\s\\p{Cc}<>"'\`|\\\\^{}${CJK}${MARKS}]+`,
  "giu",
);
const PAIRS = { ")": "(", "]": "[" };

/** `text` as a list of {text} and {text, href}; joined, the texts are `text`. */
export function split(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(ADDRESS)) {
    const address = trim(found[0]);
    const href = target(address);
    if (href === null) continue;
    if (found.index > end) parts.push({ text: text.slice(end, found.index) });
    parts.push({ text: address, href });
    end = found.index + address.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  return parts;
}

/** Without the punctuation of the sentence around it; a bracket stays when it was opened inside. */
function trim(address) {
  let kept = address;
  while (kept) {
    const last = kept.at(-1);
    const opening = PAIRS[last];
    const stray = opening !== undefined && count(kept, last) > count(kept, opening);
    if (!stray && !/[.,:;!?*_~]/.test(last)) break;
    kept = kept.slice(0, -1);
  }
  return kept;
}

const count = (text, letter) => text.split(letter).length - 1;

function target(address) {
  try {
    const url = new URL(/^www\./i.test(address) ? `https://${address}` : address);
    return /[^.]/.test(url.hostname) ? url.href : null;
  } catch {
    return null;
  }
}
