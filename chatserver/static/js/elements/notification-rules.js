/**
 * <notification-rules>: the rules of the account for notifications: which messages, keywords, sound, pause and quiet hours.
 * Each change is stored at once. Part of <settings-dialog>.
 */

import { attempt } from "../net/api.js";
import { _ } from "../lib/i18n.js";
import { notificationRules } from "../state/notification-rules.js";
import { lang } from "../ui/page.js";

const MINUTE = 60_000; // milliseconds
const MORNING = 8; // hour of the day
const SEPARATORS = /[,，、;；\n]/u;
const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";

class NotificationRules extends HTMLElement {
  #problem = this.querySelector(".form-problem");
  #quiet = this.querySelector(".rules-quiet");
  #zone = this.querySelector("[name=rules-zone]");
  #pause = this.querySelector("[name=rules-pause]");
  #saving = 0; // changes that are being stored; until then the form shows what the user chose

  connectedCallback() {
    this.addEventListener("change", ({ target }) => this.#save(this.#changes(target)));
    notificationRules.addEventListener("rules:changed", () => this.closest("dialog").open && this.#saving === 0 && this.#show());
    for (const label of this.querySelectorAll("[data-weekday]")) label.querySelector("span").textContent = weekday(Number(label.dataset.weekday));
  }

  opened() {
    this.#problem.hidden = true;
    if (this.#zone.options.length === 0) this.#zone.append(...zones().map((zone) => new Option(zone.replaceAll("_", " "), zone)));
    this.#show();
  }

  #show() {
    const { level, keywords, quiet, paused_until: until, sound } = notificationRules.current;
    this.querySelector(`[name=rules-level][value=${level}]`).checked = true;
    this.#fill("rules-keywords", keywords.join(", "));
    this.querySelector("[name=rules-sound]").checked = sound;
    this.querySelector("[name=rules-quiet]").checked = quiet !== null;
    this.#showPause(until);
    this.#quiet.hidden = quiet === null;
    if (quiet) this.#showQuiet(quiet);
  }

  /** Show a value, unless the user is changing it. */
  #fill(name, value) {
    const field = this.querySelector(`[name=${name}]`);
    if (field !== document.activeElement) field.value = value;
  }

  #showQuiet({ zone, start, end, days }) {
    this.#fill("rules-start", start);
    this.#fill("rules-end", end);
    for (const box of this.querySelectorAll("[name=rules-day]")) box.checked = days.includes(Number(box.value));
    if (![...this.#zone.options].some(({ value }) => value === zone)) this.#zone.append(new Option(zone, zone));
    this.#zone.value = zone;
  }

  #showPause(until) {
    const isPaused = until > Date.now();
    const [off, running] = this.#pause.options;
    running.hidden = !isPaused;
    running.textContent = isPaused ? _("Until %(time)s", { time: shownTime(until) }) : "";
    (isPaused ? running : off).selected = true;
  }

  /** What a changed control means for the rules. */
  #changes({ name, value, checked }) {
    const { quiet } = notificationRules.current;
    switch (name) {
      case "rules-level":
        return { level: value };
      case "rules-keywords":
        return { keywords: value.split(SEPARATORS).map((one) => one.trim()).filter(Boolean) };
      case "rules-sound":
        return { sound: checked };
      case "rules-pause":
        return { paused_until: endOfPause(value, notificationRules.current) };
      case "rules-quiet":
        return { quiet: checked ? { zone: ownZone(), start: "22:00", end: "07:00", days: [1, 2, 3, 4, 5, 6, 7] } : null };
      default:
        return { quiet: quiet && this.#shownQuiet(quiet) };
    }
  }

  /** The quiet hours in the form; an empty time leaves the present one. */
  #shownQuiet(quiet) {
    const value = (name) => this.querySelector(`[name=${name}]`).value;
    const days = [...this.querySelectorAll("[name=rules-day]:checked")].map((box) => Number(box.value));
    return { zone: value("rules-zone"), start: value("rules-start") || quiet.start, end: value("rules-end") || quiet.end, days };
  }

  async #save(changes) {
    this.#saving += 1;
    await attempt(this.#problem, () => notificationRules.change(changes));
    this.#saving -= 1;
    if (this.#saving === 0) this.#show();
  }
}

/** The end of a pause of so many minutes, or until "morning" of the next day; 0: none. */
function endOfPause(choice, { paused_until: until }) {
  if (choice === "running") return until;
  if (choice !== "morning") return choice === "0" ? 0 : Date.now() + Number(choice) * MINUTE;
  const morning = new Date();
  morning.setDate(morning.getDate() + 1);
  return morning.setHours(MORNING, 0, 0, 0);
}

const isToday = (time) => new Date(time).toDateString() === new Date().toDateString();
const shownTime = (time) =>
  new Intl.DateTimeFormat(lang, { timeStyle: "short", ...(isToday(time) ? {} : { dateStyle: "medium" }) }).format(time);

/** The short name of a day, 1 is Monday. 2024-01-01 was one. */
const weekday = (day) => new Intl.DateTimeFormat(lang, { weekday: "short", timeZone: "UTC" }).format(Date.UTC(2024, 0, day));

const zones = () => [...new Set([ownZone(), "UTC", ...(Intl.supportedValuesOf?.("timeZone") ?? [])])];

customElements.define("notification-rules", NotificationRules);
