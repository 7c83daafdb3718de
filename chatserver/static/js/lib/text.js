/** Text that can be sent. Half of a surrogate pair cannot: no encoding has it. */

const LONE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

/** `text` with U+FFFD for each lone surrogate (String.prototype.toWellFormed, which older browsers lack). */
export const wellFormed = (text) => text.replace(LONE, "\uFFFD");

/** `value` as JSON whose strings are well-formed. */
export const encoded = (value) => JSON.stringify(value, (_key, each) => (typeof each === "string" ? wellFormed(each) : each));
