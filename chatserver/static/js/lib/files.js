/** Files of messages, as events have them: {id, name, type, bytes, width?, height?, blur?, alt?, seconds?, wave?}. */

import { _, ngettext } from "./i18n.js";

const VIDEO = new Set(["video/mp4", "video/webm"]); // which the server sends with their type
const AUDIO = new Set(["audio/mpeg", "audio/ogg", "audio/wav", "audio/mp4", "audio/webm"]);
const MAX_WIDTH = 420; // CSS pixels of a single picture
const MAX_HEIGHT = 320;
const MIN_SIDE = 48;
const MAX_RATIO = 3; // of the sides of a box; a longer picture is cut off at its end
export const SMALL_THUMB = 480; // pixels of the longer side of a thumbnail
export const LARGE_THUMB = 1600; // of the one that fits into a window
export const MAX_ALT = 250; // characters of an alternative text
export const MAX_LINES = 8; // of the sample of a text file
const LINE_BYTES = 12; // of short lines
const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"];

/** How a file is shown: "picture", "video", "audio", "voice" (with a waveform), "text", "other" or, without its content, "removed". */
export function kindOf({ type, width, seconds, wave, removed }) {
  if (removed) return "removed";
  if (type === "text/plain") return "text";
  if (type.startsWith("image/") && width) return "picture";
  if (VIDEO.has(type)) return "video";
  if (!AUDIO.has(type)) return "other";
  return seconds && wave ? "voice" : "audio";
}

/** Whether a file that is chosen is a photo whose metadata the server leaves as it is: TIFF and raw formats, by its name. */
export const keepsMetadata = ({ name }) => /\.(tiff?|dng|cr[23]|nef|arw|orf|raf|rw2)$/i.test(name);

/** Whether a picture may have transparent parts. */
export const mayBeTransparent = ({ type }) => type !== "image/jpeg";

/** The lines that the sample of a text file of this size has room for: a guess until a short text is loaded. */
export const sampleLines = (bytes) => Math.min(MAX_LINES, Math.max(1, Math.ceil(bytes / LINE_BYTES)));

/** Whether it is a long screenshot or a panorama, which would be illegible if it was scaled as a whole. */
export const isLong = ({ width, height }) => Math.max(width, height) > MAX_RATIO * Math.min(width, height);

/** The size of the box of a single picture: its own size if it fits, never larger. */
export function boxOf(file) {
  const [width, height] = [Math.min(file.width, MAX_RATIO * file.height), Math.min(file.height, MAX_RATIO * file.width)];
  const scale = Math.min(1, MAX_WIDTH / width, MAX_HEIGHT / height);
  const fit = (side) => Math.max(MIN_SIDE, Math.round(side * scale));
  return { width: fit(width), height: fit(height) };
}

/** A number of bytes as text, in powers of 1,024 like the limits of the server, as in "1.4 MB". */
export function sizeText(bytes, lang) {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const format = { style: "unit", unit: UNITS[power], unitDisplay: power === 0 ? "long" : "short", maximumFractionDigits: power > 1 ? 1 : 0 };
  return new Intl.NumberFormat(lang, format).format(bytes / 1024 ** power);
}

/** A duration as on a clock: "0:07", "1:00:07". */
export function timeText(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  const parts = hours > 0 ? [hours, String(minutes).padStart(2, "0")] : [minutes];
  return [...parts, String(whole % 60).padStart(2, "0")].join(":");
}

/** The end of a name as a short label: "PDF"; "" without one. */
export function endingOf(name) {
  const found = /[^.]\.([a-z0-9]{1,5})$/i.exec(name);
  return found ? found[1].toUpperCase() : "";
}

/** A text for files where they cannot be shown: the name of the only one, or their number. */
export function summaryOf(files) {
  if (!files?.length) return "";
  if (files.length === 1) return nameOf(files[0]);
  const pictures = files.every((file) => kindOf(file) === "picture");
  return pictures ? ngettext("%(num)s picture", "%(num)s pictures", files.length) : ngettext("%(num)s file", "%(num)s files", files.length);
}

function nameOf(file) {
  if (file.removed) return _("File deleted by an administrator");
  return kindOf(file) === "voice" ? _("Voice message (%(time)s)", { time: timeText(file.seconds) }) : file.name;
}

/** The alternative text of a picture: the one that its sender wrote, otherwise its name. */
export const altOf = ({ alt, name }) => alt || _("Picture: %(name)s", { name });
