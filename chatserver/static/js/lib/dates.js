/** Format times in the language `lang`. `at` is in milliseconds UTC; days are in the browser's time zone. */

export class Dates {
  #lang;
  #formats = new Map();

  constructor(lang) {
    this.#lang = lang;
  }

  /** 14:05 */
  time(at) {
    return this.#format({ timeStyle: "short" }).format(at);
  }

  /** Saturday, 3 May 2031 at 14:05:09 */
  full(at) {
    return this.#format({ dateStyle: "full", timeStyle: "medium" }).format(at);
  }

  /** 3 May 2031, 14:05 */
  moment(at) {
    return this.#format({ dateStyle: "medium", timeStyle: "short" }).format(at);
  }

  /** 14:05 today, else the date. */
  brief(at, now = Date.now()) {
    if (startOfDay(at) === startOfDay(now)) return this.time(at);
    return this.#format({ dateStyle: "medium" }).format(at);
  }

  /** Today, Yesterday, the weekday, or the date if it is a week or more ago. */
  day(at, now = Date.now()) {
    const days = Math.round((startOfDay(now) - startOfDay(at)) / 86_400_000);
    if (days === 0 || days === 1) return this.#relative(-days);
    if (days > 1 && days < 7) return this.#format({ weekday: "long" }).format(at);
    const year = new Date(at).getFullYear() === new Date(now).getFullYear() ? {} : { year: "numeric" };
    return this.#format({ weekday: "long", day: "numeric", month: "long", ...year }).format(at);
  }

  #relative(days) {
    const text = new Intl.RelativeTimeFormat(this.#lang, { numeric: "auto" }).format(days, "day");
    return text.charAt(0).toLocaleUpperCase(this.#lang) + text.slice(1);
  }

  #format(options) {
    const name = JSON.stringify(options);
    if (!this.#formats.has(name)) this.#formats.set(name, new Intl.DateTimeFormat(this.#lang, options));
    return this.#formats.get(name);
  }
}

export function startOfDay(at) {
  return new Date(at).setHours(0, 0, 0, 0);
}
