/**
 * Who has an account here and who is online. Owns both lists.
 *
 * Events: `people:changed`.
 */

import { ask } from "./api.js";
import { _ } from "./lib/i18n.js";
import { me, urls } from "./page.js";

const AGAIN = 5_000; // milliseconds between two looks for a name that nobody knows

export class People extends EventTarget {
  #accounts = new Map(); // name → {name, display, role, disabled}
  #online = new Map(); // name → {name, display, status}
  #asked = 0;
  #timer = 0;

  async load() {
    this.#asked = Date.now();
    this.#timer = 0;
    try {
      const { users } = await ask("GET", urls.users);
      this.#accounts = new Map(users.map((user) => [user.name, user]));
      this.#changed();
    } catch {
      // Presence and messages still bring names.
    }
  }

  /** A name that came with a message or a conversation; unknown ones are asked for. */
  meet(name) {
    const known = this.#accounts.has(name) || this.#online.has(name) || name === me.name;
    if (known || this.#timer !== 0) return;
    this.#timer = setTimeout(() => this.#loadOnline(), Math.max(0, this.#asked + AGAIN - Date.now()));
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

  #learn() {
    const unknown = [...this.#online.keys()].filter((name) => !this.#accounts.has(name));
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
