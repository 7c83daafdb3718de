/** Checks the files that a user chooses, drops or pastes. */

import { _, ngettext } from "./i18n.js";

const NAMELESS = /^(image|blob|unknown)?(\.\w+)?$/i; // the names that browsers give to pasted pictures
const MAX_NAMES = 4; // in one sentence
const MAX_LETTERS = 32; // of a name in a sentence
const TAIL = 10; // letters that are left of the end of a longer one, with the type of the file

/**
 * Split `files` into those that can be sent, as {name, content}, and sentences that name the others. `limits`: {bytes,
 * count}; `chosen`: number of files chosen before; `folders`: names of folders among the files; `now`: a Date;
 * `isScaled(file)`: whether it becomes smaller before it is sent; `lang`: of the sentences.
 */
export function checked(files, { limits, chosen, folders = new Set(), now = new Date(), isScaled = () => false, lang }) {
  const isFolder = (file) => folders.has(file.name) && !file.type;
  const isLarge = (file) => file.size > limits.bytes && !isScaled(file);
  const tests = { folder: isFolder, empty: ({ size }) => size === 0, large: isLarge };
  const named = files.map((file) => ({ name: nameOf(file, now), content: file }));
  const sorted = named.map((one) => ({ ...one, reason: REASONS.find((reason) => tests[reason]?.(one.content)) }));
  const fitting = sorted.filter(({ reason }) => reason === undefined);
  const accepted = fitting.slice(0, Math.max(0, limits.count - chosen));
  for (const one of fitting.slice(accepted.length)) one.reason = "surplus";
  const namesOf = (wanted) => sorted.filter(({ reason }) => reason === wanted).map(({ name }) => name);
  const problems = REASONS.map((reason) => sentence(reason, namesOf(reason), { limits, lang }));
  return { accepted: accepted.map(({ name, content }) => ({ name, content })), problems: problems.filter(Boolean) };
}

/** Which of `files`, [{content}], the browser cannot read, such as those of another user of the computer. */
export async function unreadableOf(files) {
  const read = (file) => file.content.slice(0, 1).arrayBuffer().then(() => null, () => file);
  return (await Promise.all(files.map(read))).filter(Boolean);
}

/** Why the files `names` are not added, a key of SENTENCES as text; "" without any. */
export function sentence(reason, names, { limits, lang }) {
  if (names.length === 0) return "";
  const values = { names: listed(names, lang), limit: megabytes(limits.bytes) };
  return SENTENCES[reason](names.length, values, limits.count);
}

const REASONS = ["folder", "empty", "large", "surplus"]; // in the order in which they are checked

const SENTENCES = {
  folder: (n, values) => ngettext("%(names)s is a folder: choose the files in it.", "%(names)s are folders: choose the files in them.", n, values),
  empty: (n, values) => ngettext("%(names)s is empty.", "%(names)s are empty.", n, values),
  unreadable: (n, values) => ngettext("%(names)s cannot be read.", "%(names)s cannot be read.", n, values),
  large: (n, values) =>
    ngettext("%(names)s is too large: a file has at most %(limit)s MB.", "%(names)s are too large: a file has at most %(limit)s MB.", n, values),
  surplus: (_n, values, count) =>
    ngettext("A message has at most %(num)s file. Not added: %(names)s.", "A message has at most %(num)s files. Not added: %(names)s.", count, values),
};

/** The first names, and the number of the others. */
function listed(names, lang) {
  const few = names.length <= MAX_NAMES;
  const shown = names.slice(0, few ? MAX_NAMES : MAX_NAMES - 1).map(shortened);
  const text = new Intl.ListFormat(lang, few ? {} : { type: "unit", style: "short" }).format(shown);
  return few ? text : _("%(names)s and %(num)s more", { names: text, num: names.length - shown.length });
}

/** A long name without its middle. */
function shortened(name) {
  const letters = Array.from(name);
  return letters.length <= MAX_LETTERS ? name : [...letters.slice(0, MAX_LETTERS - TAIL - 1), "…", ...letters.slice(-TAIL)].join("");
}

const megabytes = (bytes) => Math.max(1, Math.floor(bytes / 2 ** 20));

/** The name of a file; a pasted picture, which has none, is named after the time. */
export function nameOf({ name = "", type }, now) {
  if (!NAMELESS.test(name) || !type.startsWith("image/")) return name || _("File");
  const part = (value) => String(value).padStart(2, "0");
  const day = [now.getFullYear(), part(now.getMonth() + 1), part(now.getDate())].join("-");
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map(part).join(".");
  const ending = type.slice("image/".length).replace("jpeg", "jpg").replace(/\+.*/, "");
  return `${_("Screenshot")} ${day} ${time}.${ending}`;
}
