/** Checks the files that a user chooses, drops or pastes. */

import { _ } from "./i18n.js";

const NAMELESS = /^(image|blob|unknown)?(\.\w+)?$/i; // the names that browsers give to pasted pictures

/**
 * Split `files` into those that can be sent, as {name, content}, and sentences about the others. `limits`: {bytes, count};
 * `chosen`: number of files chosen before; `now`: a Date; `isScaled(file)`: whether it becomes smaller before it is sent.
 */
export function checked(files, { limits, chosen, now = new Date(), isScaled = () => false }) {
  const problems = [];
  const fits = files.filter(({ name, size, type }) => {
    if (size === 0) problems.push(_("%(name)s is empty, or a folder.", { name }));
    else if (size > limits.bytes && !isScaled({ type })) problems.push(_("%(name)s is too large: a file has at most %(num)s MB.", { name, num: megabytes(limits.bytes) }));
    else return true;
    return false;
  });
  const free = Math.max(0, limits.count - chosen);
  if (fits.length > free) problems.push(_("A message has at most %(num)s files.", { num: limits.count }));
  return { accepted: fits.slice(0, free).map((content) => ({ name: nameOf(content, now), content })), problems };
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
