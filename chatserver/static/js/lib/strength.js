/**
 * Rate a password by the rules of the server (chatserver/accounts/passwords.py). `rule` is password-rule.json, which
 * the server reads too.
 */

import { caseless } from "./fold.js";

export const MIN_LENGTH = 8; // code points; a test compares it to the rule, which is loaded later
export const RECOMMENDED_LENGTH = 15; // code points

/**
 * Return {length, verdict}: "empty", "short", "guessable", "fair" or "good". The length is in code points; `names` are
 * the user's own. Without `rule`, which may not be loaded yet, nothing is "guessable".
 */
export function strength(password, { rule = null, names = [] } = {}) {
  const plain = normalized(password);
  const length = Array.from(plain).length;
  return { length, verdict: verdict(plain, length, rule, names) };
}

function verdict(plain, length, rule, names) {
  if (length === 0) return "empty";
  if (length < MIN_LENGTH) return "short";
  if (rule && (isRun(plain, rule) || isCommon(plain, rule, names))) return "guessable";
  return length < RECOMMENDED_LENGTH ? "fair" : "good";
}

const normalized = (password) => caseless(password.normalize("NFKC"));

/** Whether it repeats one piece, or follows the keyboard or the alphabet. */
function isRun(plain, { runs }) {
  if (/^(.{1,4})\1+.{0,3}$/su.test(plain)) return true;
  const back = Array.from(plain).reverse().join("");
  return runs.some((run) => `${run}${run}`.includes(plain) || `${run}${run}`.includes(back));
}

function isCommon(plain, rule, names) {
  const words = new Set([...rule.common.join(" ").split(" "), ...names.filter((name) => name.length >= 2).map(normalized)]);
  const seen = translated(plain, rule);
  const bare = strip(plain, rule);
  const stems = [plain, bare, translated(bare, rule), translated(strip(plain, rule, { start: false }), rule)];
  stems.push(strip(seen, rule), seen.replace(/[^a-z]/g, ""), plain.replace(/[^a-z]/g, ""));
  return bare === "" || stems.some((stem) => words.has(stem));
}

const translated = (text, { look_alike: letters }) => Array.from(text, (character) => letters[character] ?? character).join("");

/** `text` without the digits and symbols that are often put around a common word. */
function strip(text, { edges }, { start = true } = {}) {
  const characters = Array.from(text);
  const inner = (character) => !edges.includes(character);
  const first = start ? characters.findIndex(inner) : 0;
  return first < 0 ? "" : characters.slice(first, characters.findLastIndex(inner) + 1).join("");
}
