/**
 * Who has an account here and who is online. Owns both lists.
 *
 * Events: `people:changed`.
 */

import { ask } from "./api.js";
import { _ } from "./lib/i18n.js";
import { me, urls } from "./page.js";

const AGAIN = 5_000; // milliseconds between two looks at the list
const SPREAD = 2_000; // milliseconds over which those who learn the same at once ask for it

export class People extends EventTarget {
  #accounts = new Map(); // name → {name, display, role, disabled}
  #online = new Map(); // name → {name, display, status}
  #asked = 0;
  #timer = 0;
  #renewed = false;

  async load() {
    this.#asked = Date.now();
    clearTimeout(this.#timer);
    this.#timer = 0;
    try {
      const { users } = await ask("GET", urls.users);
      this.#accounts = new Map(users.map((user) => [user.name, user]));
      this.#changed();
    } catch {
      // Presence and messages still bring names.
    }
  }

  /** The line is back: who came meanwhile? The first one is the page's own, which has just asked. */
  renew() {
    if (this.#renewed) this.#soon();
    this.#renewed = true;
  }

  /** Names that came with a message, a room or a conversation; unknown ones are asked for. */
  meet(...names) {
    if (names.some((name) => name && name !== me.name && !this.#accounts.has(name))) this.#soon();
  }

  /** However many reasons there are, one look; and not everybody's at once. */
  #soon() {
    const rest = Math.max(0, this.#asked + AGAIN - Date.now());
    this.#timer ||= setTimeout(() => this.#loadOnline(), rest + Math.random() * SPREAD);
  }

  display(name) {
    if (name === me.name) return me.display || name;
    return this.#online.get(name)?.display || this.#accounts.get(name)?.display || name;
  }

  /** As `display`, and which of them is the reader. */
  title(name) {
    const display = this.display(name);
    return name === me.name ? _("%(name)s (you)", { name: display }) : display;
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

  /** All accounts that are open but one's own, those who are online first. */
  get everybody() {
    const names = [...this.online, ...this.offline].filter((name) => name !== me.name);
    return names.map((name) => ({ name, display: this.display(name) }));
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
    if (navigator.onLine) this.load();
    else addEventListener("online", () => this.load(), { once: true });
  }

  /** Presence brings a name itself; where one is new, others may be that have not come yet. */
  #learn() {
    const unknown = [...this.#online.keys()].filter((name) => !this.#accounts.has(name));
    if (this.#accounts.size > 0) this.meet(...unknown);
    for (const name of unknown) this.#accounts.set(name, { ...this.#online.get(name), disabled: false });
    this.#changed();
  }

  #sorted(names) {
    const order = (name) => (name === me.name ? "" : this.display(name));
    return names.sort((a, b) => order(a).localeCompare(order(b)));
  }

  #changed() {
    this.dispatchEvent(new CustomEvent("people:changed"));
  }
}
