/** Waveforms of voice messages: 64 peaks, each a character of base64url (RFC 4648, section 5), from A (silence) to _ (loudest). */

import { _ } from "./i18n.js";

export const PEAKS = 64;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const HIGHEST = LETTERS.length - 1;
const QUIET = 0.04; // the loudest sample of what counts as silence, which is not made louder
const LOWEST_BAR = 0.08; // of the height, so that silence is visible

/** The waveform of samples from -1 to 1: the loudest of each of its parts, relative to the loudest of all. */
export function waveOf(samples) {
  const peaks = Array.from({ length: PEAKS }, (_value, index) => peakOf(samples, index));
  const loudest = Math.max(QUIET, ...peaks);
  return peaks.map((peak) => LETTERS[Math.round((peak / loudest) * HIGHEST)]).join("");
}

function peakOf(samples, index) {
  const start = Math.floor((index * samples.length) / PEAKS);
  const end = Math.min(samples.length, Math.max(start + 1, Math.floor(((index + 1) * samples.length) / PEAKS)));
  let peak = 0;
  for (let place = start; place < end; place += 1) peak = Math.max(peak, Math.abs(samples[place]));
  return Number.isFinite(peak) ? peak : 0;
}

/** The heights of the bars of a waveform, from 0 to 1; of an unknown one, silence. */
export const heightsOf = (wave) => Array.from({ length: PEAKS }, (_value, index) => Math.max(0, LETTERS.indexOf(wave?.[index] ?? "A")) / HIGHEST);

/** Bars of these heights as the `d` of an SVG path, in a box of `width` × `height`. */
export function barsPath(heights, { width, height }) {
  const step = width / heights.length;
  const bar = (value, index) => {
    const half = (Math.max(LOWEST_BAR, Math.min(1, value)) * height) / 2;
    return `M${round((index + 0.5) * step)} ${round(height / 2 - half)}v${round(2 * half)}`;
  };
  return heights.map(bar).join("");
}

const round = (value) => Math.round(value * 100) / 100;

/** A duration as screen readers read it, as in "1 minute, 7 seconds". */
export function spokenTime(seconds, lang) {
  const whole = Math.max(0, Math.floor(seconds));
  const part = (value, unit) => new Intl.NumberFormat(lang, { style: "unit", unit, unitDisplay: "long" }).format(value);
  const parts = [];
  if (whole >= 60) parts.push(part(Math.floor(whole / 60), "minute"));
  if (whole < 60 || whole % 60 > 0) parts.push(part(whole % 60, "second"));
  return new Intl.ListFormat(lang, { style: "narrow", type: "unit" }).format(parts);
}

const ENDINGS = { "audio/webm": "webm", "audio/mp4": "m4a", "audio/ogg": "ogg" };

/** The name of a recording, after the time `now`, a Date. */
export function recordingName(type, now) {
  const part = (value) => String(value).padStart(2, "0");
  const day = [now.getFullYear(), part(now.getMonth() + 1), part(now.getDate())].join("-");
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map(part).join(".");
  return `${_("Voice message")} ${day} ${time}.${ENDINGS[type] ?? "webm"}`;
}
