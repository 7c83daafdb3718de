/** Prepare text for sending: lone surrogates cannot be encoded. */

const LONE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;
const EMPTY_LINES = /^(?:[^\S\n]*\n)+/;

/** `text` with U+FFFD for each lone surrogate (String.prototype.toWellFormed, which older browsers lack). */
export const wellFormed = (text) => text.replace(LONE, "\uFFFD");

/** `text` without empty lines around it and white space at its end. The first line keeps its indentation. */
export const trimmed = (text) => text.trimEnd().replace(EMPTY_LINES, "");

/** The sentences that are not empty, with a space between them where the language has one. */
export const joinSentences = (...sentences) =>
  sentences.filter(Boolean).reduce((before, next) => (/[。！？]$/.test(before) ? before + next : `${before} ${next}`), "").trimStart();

/** `value` as JSON whose strings are well-formed. */
export const encoded = (value) => JSON.stringify(value, (_key, each) => (typeof each === "string" ? wellFormed(each) : each));
