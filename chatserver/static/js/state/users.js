/**
 * Who has an account here and who is online. Owns both lists. Of very many accounts it has the first
 * by name, those that were met, and those that were looked for.
 *
 * Events: `people:changed`.
 */

import { sessionRequest } from "../net/api.js";
import { _ } from "../lib/i18n.js";
import { fold } from "../lib/mentions.js";
import { namesakes, withName } from "../lib/names.js";
import { me, urls } from "../ui/page.js";

const PAGE = 1_000; // accounts that are asked for at once
const FOUND = 20; // accounts that a search brings at most
const NAMED = 50; // accounts that are asked for by name at once
const LONGEST = 6_000; // characters of a query
const AGAIN = 5_000; // milliseconds between two looks at the list
const BAD_REQUEST = 400; // for a name that no account can have
const SPREAD = 2_000; // milliseconds over which those who learn the same at once ask for it

export class People extends EventTarget {
  #accounts = new Map(); // name → {name, display, role, disabled}
  #online = new Map(); // name → {name, display, status}
  #asked = 0;
  #timer = 0;
  #renewed = false;
  #whole = true; // there are no other accounts
  #met = new Set(); // names to ask for
  #namesakes = null; // those who need their user name beside the other, when it has been looked up
  #sought = new Set(); // names and beginnings of names that were asked for
  #keys = new Set([fold(me.name)]); // folded names of accounts
  #mentioned = new Map(); // folded name that is no known account's → whether the server was asked for it
  #lookup = 0; // timer

  async load() {
    this.#asked = Date.now();
    clearTimeout(this.#timer);
    this.#timer = 0;
    try {
      const { users, more } = await sessionRequest("GET", `${urls.users}?limit=${PAGE}`);
      this.#whole = !more;
      if (this.#whole) this.#accounts.clear();
      this.#add(users);
    } catch {
      // Presence and messages still bring names.
    }
  }

  /** The line is back: who came meanwhile? The first one is the page's own, which has just asked. */
  renew() {
    this.#mentioned.clear();
    if (this.#renewed) this.#soon();
    this.#renewed = true;
  }

  /** Looks for accounts whose names begin so, where not all are known. True when some are new. */
  async find(beginning) {
    if (this.#whole || !beginning || this.#sought.has(beginning)) return false;
    this.#sought.add(beginning);
    return this.#ask(`limit=${FOUND}&q=${encodeURIComponent(beginning)}`);
  }

  /** Names that came with a message, a room or a conversation; unknown ones are asked for. */
  meet(...names) {
    const unknown = names.filter((name) => name && name !== me.name && !this.#accounts.has(name));
    for (const name of unknown) this.#met.add(name);
    if (unknown.some((name) => this.#whole || !this.#sought.has(name))) this.#soon();
  }

  /** Whether a folded name is that of a user. The server is asked once for unknown ones; `people:changed` follows. */
  isUser(key) {
    if (this.#keys.has(key)) return true;
    if (!this.#mentioned.has(key)) this.#mentioned.set(key, false);
    if (!this.#mentioned.get(key)) this.#lookup ||= setTimeout(() => this.#lookUp(), Math.random() * SPREAD);
    return false;
  }

  /** One request; what it has no place for is in the next. */
  async #lookUp() {
    this.#lookup = 0;
    const unknown = [...this.#mentioned].flatMap(([key, asked]) => (asked || this.#keys.has(key) ? [] : [key]));
    const names = unknown.slice(0, NAMED);
    while (encodeURIComponent(names.join(",")).length > LONGEST) names.pop();
    if (names.length === 0) return;
    for (const key of names) this.#mentioned.set(key, true);
    await this.#ask(`names=${encodeURIComponent(names.join(","))}`);
    if (names.length < unknown.length) this.isUser(unknown[names.length]);
  }

  /** However many reasons there are, one look; and not everybody's at once. */
  #soon() {
    const rest = Math.max(0, this.#asked + AGAIN - Date.now());
    this.#timer ||= setTimeout(() => this.#loadOnline(), rest + Math.random() * SPREAD);
  }

  /** The name that is shown: with the user name where somebody else is called so as well. */
  display(name) {
    const display = this.#plain(name);
    this.#namesakes ??= namesakes([...this.#looks()]);
    return this.#namesakes.has(name) ? withName(display, name) : display;
  }

  #plain(name) {
    if (name === me.name) return me.display || name;
    return this.#online.get(name)?.display || this.#accounts.get(name)?.display || name;
  }

  *#looks() {
    for (const name of new Set([me.name, ...this.#accounts.keys(), ...this.#online.keys()])) {
      const display = this.#plain(name);
      const known = this.#accounts.get(name);
      yield { name, display, look: known?.display === display ? known.look : undefined };
    }
  }

  /** As `display`, and which of them is the reader. */
  title(name) {
    const display = this.display(name);
    return name === me.name ? _("%(name)s (you)", { name: display }) : display;
  }

  /** The name of the account that is meant by `name`; null for no account. Where the server cannot be asked, `name`. */
  async resolve(name) {
    if (name === me.name || this.#accounts.has(name)) return name;
    try {
      const { users } = await sessionRequest("GET", `${urls.users}?names=${encodeURIComponent(name)}`);
      this.#add(users);
      return name.includes(",") ? null : (users[0]?.name ?? null);
    } catch ({ status }) {
      return status === BAD_REQUEST ? null : name;
    }
  }

  isOnline(name) {
    return this.#online.has(name);
  }

  isDisabled(name) {
    return this.#accounts.get(name)?.disabled === true;
  }

  /** Names, by display name; oneself first. */
  get online() {
    return this.#sorted([...this.#online.keys()]);
  }

  get offline() {
    const away = [...this.#accounts.values()].filter(({ name, disabled }) => !disabled && !this.isOnline(name));
    return this.#sorted(away.map(({ name }) => name));
  }

  /** All accounts that are open but one's own, those who are online first: [{name, display}]. */
  get everybody() {
    const names = [...this.online, ...this.offline].filter((name) => name !== me.name);
    return names.map((name) => ({ name, display: this.#plain(name) }));
  }

  replaceOnline(people) {
    this.#online = new Map(people.map((person) => [person.name, person]));
    this.#learn();
  }

  change({ online = [], offline = [] }) {
    for (const person of online) this.#online.set(person.name, person);
    for (const name of offline) this.#online.delete(name);
    this.#learn();
  }

  #loadOnline() {
    if (navigator.onLine) this.#loadNew();
    else addEventListener("online", () => this.#loadNew(), { once: true });
  }

  #loadNew() {
    return this.#whole ? this.load() : this.#loadMet();
  }

  async #loadMet() {
    this.#asked = Date.now();
    this.#timer = 0;
    const names = [...this.#met].filter((name) => !this.#sought.has(name)).slice(0, NAMED);
    this.#met.clear();
    for (const name of names) this.#sought.add(name);
    if (names.length > 0) await this.#ask(`names=${encodeURIComponent(names.join(","))}`);
  }

  /** True when the answer brings accounts that were not known. */
  async #ask(query) {
    const before = this.#accounts.size;
    try {
      this.#add((await sessionRequest("GET", `${urls.users}?${query}`)).users);
    } catch {
      // Presence and messages still bring names.
    }
    return this.#accounts.size > before;
  }

  #add(users) {
    for (const user of users) this.#know(user);
    this.#changed();
  }

  /** Presence brings a name itself; where one is new, others may be that have not come yet. */
  #learn() {
    const unknown = [...this.#online.keys()].filter((name) => !this.#accounts.has(name));
    if (this.#accounts.size > 0 && this.#whole) this.meet(...unknown);
    for (const name of unknown) this.#know({ ...this.#online.get(name), disabled: false });
    this.#changed();
  }

  #know(user) {
    this.#accounts.set(user.name, user);
    this.#keys.add(fold(user.name));
  }

  #sorted(names) {
    const order = (name) => (name === me.name ? "" : this.#plain(name));
    return names.sort((a, b) => order(a).localeCompare(order(b)));
  }

  #changed() {
    this.#namesakes = null;
    this.dispatchEvent(new CustomEvent("people:changed"));
  }
}
