/**
 * Convert the HTML of a message to parts: allowed tags, the address of a link and the numbers of a list.
 * The server has sanitized it; this allow list is a second barrier.
 */

import { summaryOf } from "./files.js";
import { splitMentions } from "./mentions.js";

const TEXT = 3; // Node.TEXT_NODE
const TAGS = new Set(["p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"]);
const SEPARATED = new Set(["p", "br", "pre", "li"]);
export const VERBATIM = new Set(["a", "code", "pre", "blockquote"]); // contain no mentions, and no names of rooms
const NUMBERS = { ol: "start", li: "value" }; // the attribute with the number of a list or an item
const SAFE = /^(https?:\/\/|mailto:)/i;

/**
 * The content of a node as a list of {text}, {text, mention} and {tag, parts, href?, start?, value?}. `isUser` as in
 * `splitMentions`; without it no name is marked.
 */
export const parts = ({ childNodes }, isUser = () => false) =>
  [...childNodes].flatMap((child) => part(child, (text) => splitMentions(text, isUser)));

function part(node, read) {
  if (node.nodeType === TEXT) return read(node.data);
  const tag = node.localName;
  const within = VERBATIM.has(tag) ? (text) => [{ text }] : read;
  const inner = [...node.childNodes].flatMap((child) => part(child, within));
  return TAGS.has(tag) ? element(tag, node, inner) : inner;
}

function element(tag, node, inner) {
  if (tag === "a") {
    const href = node.getAttribute("href") ?? "";
    return SAFE.test(href) ? [{ tag, href, parts: inner }] : inner;
  }
  const name = NUMBERS[tag];
  const number = name ? Number.parseInt(node.getAttribute(name) ?? "", 10) : Number.NaN;
  return [Number.isNaN(number) ? { tag, parts: inner } : { tag, [name]: number, parts: inner }];
}

/** The parts of a message's HTML. A document made by DOMParser is inert. */
export const parseHtml = (html, isUser) => parts(new DOMParser().parseFromString(html, "text/html").body, isUser);

/** The text of a message without markup, in one line; that of its files if it has no text. */
export const plainText = ({ data, html, files }) => (html ? lineOf(parseHtml(html)) : data || summaryOf(files));

/** The text of such parts. */
export const textOf = (list) => list.map(({ text, parts: inner }) => text ?? textOf(inner)).join("");

/** The text of such parts in one line, for a quotation. */
export const lineOf = (list) =>
  list
    .map(({ tag, text, parts: inner }) => (text ?? lineOf(inner)) + (SEPARATED.has(tag) ? " " : ""))
    .join("");

/** Whether a text is in a script without italics: Chinese, Japanese, Korean. */
export const hasNoItalic = (text) =>
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u.test(text);
