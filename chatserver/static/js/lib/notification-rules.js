/**
 * Rules by which messages notify the user; those of chatserver/notification_rules.py. Both are tested with the cases of
 * tests/text-cases/notifications.json.
 */

import { fold, isInWord } from "./fold.js";

export const DEFAULT_RULES = Object.freeze({ level: "mentions", keywords: [], quiet: null, paused_until: 0, sound: true });

/**
 * Whether a message of another user calls for a notification at `now` (milliseconds UTC). `level`: that of the user for
 * the room; `allMembers`: members of the largest room in which a mention of all members counts.
 */
export function notifies(rules, level, { text, isDirect, members, mentionsUser, mentionsAll }, { now, allMembers }) {
  const chosen = level === "default" ? rules.level : level;
  if (chosen === "nothing" || now < rules.paused_until || isQuiet(rules.quiet, now)) return false;
  if (chosen === "all" || (isDirect && level === "default")) return true;
  return mentionsUser || (mentionsAll && members <= allMembers) || hasKeyword(text, rules.keywords);
}

/** Whether `now` is in the quiet hours: {zone, start, end, days}, or null. Without the time zone nothing is. */
export function isQuiet(quiet, now) {
  const local = quiet && localTime(quiet.zone, now);
  if (!local) return false;
  const { time, day } = local;
  const { start, end, days } = quiet;
  if (start < end) return days.includes(day) && start <= time && time < end;
  const dayBefore = day === 1 ? 7 : day - 1;
  return (days.includes(day) && time >= start) || (days.includes(dayBefore) && time < end);
}

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** The time as HH:MM, and the day of the week, 1 to 7 from Monday on; null in an unknown zone. */
function localTime(timeZone, now) {
  try {
    const format = new Intl.DateTimeFormat("en-GB", { timeZone, weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    const { weekday, hour, minute } = Object.fromEntries(format.formatToParts(now).map(({ type, value }) => [type, value]));
    return { time: `${hour}:${minute}`, day: DAYS.indexOf(weekday) + 1 };
  } catch {
    return null;
  }
}

function hasKeyword(text, keywords) {
  if (keywords.length === 0) return false;
  const folded = fold(text);
  return keywords.some((keyword) => hasWord(folded, fold(keyword)));
}

/** Whether a folded text has `word`; if it begins or ends with a letter, not inside a longer word. */
function hasWord(text, word) {
  for (let start = word ? text.indexOf(word) : -1; start >= 0; start = text.indexOf(word, start + 1)) {
    if (!isJoined(text, start) && !isJoined(text, start + word.length)) return true;
  }
  return false;
}

/** Whether the characters before and at `index` belong to one word. */
const isJoined = (text, index) =>
  index > 0 && index < text.length && isInWord(text, startOfCharacter(text, index - 1)) && isInWord(text, index);

/** The index of the character that has the code unit at `index`. */
const startOfCharacter = (text, index) => (index > 0 && text.codePointAt(index - 1) > 0xffff ? index - 1 : index);
