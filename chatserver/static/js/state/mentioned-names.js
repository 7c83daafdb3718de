/** Folded names that texts mention: those of users, and unknown ones, which are requested once, some at a time. */

import { foldName } from "../lib/mentions.js";
import { me } from "../ui/page.js";

const NAMES_LIMIT = 50; // names requested at once
const MAX_QUERY_LENGTH = 6_000; // characters of a query
const MAX_JITTER = 2_000; // milliseconds; spreads the requests of clients that get the same event

export class MentionedNames {
  #users = new Map([[foldName(me.name), me.name]]); // folded name → name
  #unknown = new Map(); // folded name of no known user → whether it was requested
  #timer = 0;
  #request;

  /** `request(names)` loads the users of these names and adds those that exist. */
  constructor(request) {
    this.#request = request;
  }

  /** Note that there is a user `name`. */
  add(name) {
    this.#users.set(foldName(name), name);
  }

  /** The name of the known user with that folded name. */
  nameOf(key) {
    return this.#users.get(key) ?? key;
  }

  /** Request unknown names again when they are mentioned. */
  reset() {
    this.#unknown.clear();
  }

  /** Whether a folded name is that of a known user; an unknown one is requested. */
  isUser(key) {
    if (this.#users.has(key)) return true;
    if (!this.#unknown.has(key)) this.#unknown.set(key, false);
    if (!this.#unknown.get(key)) this.#timer ||= setTimeout(() => this.#lookUp(), Math.random() * MAX_JITTER);
    return false;
  }

  /** Request unknown names; those that do not fit are requested next. */
  async #lookUp() {
    this.#timer = 0;
    const unknown = [...this.#unknown].flatMap(([key, isRequested]) => (isRequested || this.#users.has(key) ? [] : [key]));
    const names = unknown.slice(0, NAMES_LIMIT);
    while (encodeURIComponent(names.join(",")).length > MAX_QUERY_LENGTH) names.pop();
    if (names.length === 0) return;
    for (const key of names) this.#unknown.set(key, true);
    await this.#request(names);
    if (names.length < unknown.length) this.isUser(unknown[names.length]);
  }
}
