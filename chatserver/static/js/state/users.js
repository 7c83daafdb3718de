/**
 * The accounts of the server, and which users are online. If there are very many accounts, it has the first page,
 * those that occur in messages and rooms, and those that were searched for.
 *
 * Events: `users:changed`.
 */

import { sessionRequest } from "../net/api.js";
import { _ } from "../lib/i18n.js";
import { sortedByName } from "../lib/collation.js";
import { foldName } from "../lib/mentions.js";
import { namesakes, withName } from "../lib/names.js";
import { MentionedNames } from "./mentioned-names.js";
import { lang, me, urls } from "../ui/page.js";

const PAGE_SIZE = 1_000; // accounts in the first request
const PREFIX_LIMIT = 20; // accounts found by one prefix
const NAMES_LIMIT = 50; // accounts requested by name at once
const LOAD_INTERVAL = 5_000; // milliseconds between two requests of the list
const BAD_REQUEST = 400; // the response for a name that no account can have
const MAX_JITTER = 2_000; // milliseconds; spreads the requests of clients that get the same event

export class Users extends EventTarget {
  #accounts = new Map(); // name → {name, display, role, disabled, deleted?, picture?}
  #online = new Map(); // name → {name, display, status, picture?}
  #loadedAt = 0;
  #timer = 0;
  #wasConnected = false;
  #isComplete = true; // all accounts are loaded
  #toLoad = new Set(); // names
  #namesakes = null; // users whose display name is ambiguous; null until computed
  #requested = new Set(); // names and prefixes
  mentioned = new MentionedNames((names) => this.#request(`names=${encodeURIComponent(names.join(","))}`));
  #rechecked = new Set(); // names that are being requested again

  async load() {
    this.#loadedAt = Date.now();
    clearTimeout(this.#timer);
    this.#timer = 0;
    try {
      const { users, more } = await sessionRequest("GET", `${urls.users}?limit=${PAGE_SIZE}`);
      this.#isComplete = !more;
      if (this.#isComplete) this.#accounts.clear();
      this.#add(users);
    } catch {
      // Names in presence and messages are still shown.
    }
  }

  /** After a welcome: load accounts that were created while disconnected. The first welcome follows `load`. */
  reconnected() {
    this.mentioned.reset();
    if (this.#wasConnected) this.#scheduleLoad();
    this.#wasConnected = true;
  }

  /** Load accounts whose names start with `prefix`, unless all are loaded. Returns whether there are new ones. */
  async loadByPrefix(prefix) {
    if (this.#isComplete || !prefix || this.#requested.has(prefix)) return false;
    this.#requested.add(prefix);
    return this.#request(`limit=${PREFIX_LIMIT}&q=${encodeURIComponent(prefix)}`);
  }

  /** Load the accounts of these names, unless they are known. */
  ensureLoaded(...names) {
    const unknown = names.filter((name) => name && name !== me.name && !this.#accounts.has(name));
    for (const name of unknown) this.#toLoad.add(name);
    if (unknown.some((name) => this.#isComplete || !this.#requested.has(name))) this.#scheduleLoad();
  }

  /** Whether a folded name is that of a known user. Unknown names are requested once; `users:changed` follows. */
  isUser(key) {
    return this.mentioned.isUser(key);
  }

  /**
   * Load new accounts soon: once for several reasons, at most every LOAD_INTERVAL, and not at the same time as other
   * clients.
   */
  #scheduleLoad() {
    const rest = Math.max(0, this.#loadedAt + LOAD_INTERVAL - Date.now());
    this.#timer ||= setTimeout(() => this.#loadWhenOnline(), rest + Math.random() * MAX_JITTER);
  }

  /** The shown name of a user, with the user name if the display name is ambiguous. */
  display(name) {
    const display = this.#unqualified(name);
    this.#namesakes ??= namesakes([...this.#displayNames()]);
    return this.#namesakes.has(name) ? withName(display, name) : display;
  }

  #unqualified(name) {
    if (name === me.name) return me.display || name;
    return this.#online.get(name)?.display || this.#accounts.get(name)?.display || name;
  }

  *#displayNames() {
    for (const name of new Set([me.name, ...this.#accounts.keys(), ...this.#online.keys()])) {
      const display = this.#unqualified(name);
      const known = this.#accounts.get(name);
      yield { name, display, look: known?.display === display ? known.look : undefined };
    }
  }

  /** As `display`, with "(you)" for the user of the page. */
  title(name) {
    const display = this.display(name);
    return name === me.name ? _("%(name)s (you)", { name: display }) : display;
  }

  /** The canonical name of the account `name`; null if there is none; `name` if the server is unreachable. */
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

  /** `title` of a conversation without a name with display names and without this user, if it lists users. */
  listTitle(title) {
    const names = title.split(", ");
    if (!names.every((name) => this.isUser(foldName(name)))) return title;
    const others = names.filter((name) => name !== me.name).map((name) => this.display(name));
    return others.length > 0 ? new Intl.ListFormat(lang, { style: "narrow" }).format(others) : title;
  }

  isOnline(name) {
    return this.#online.has(name);
  }

  isBot(name) {
    return this.#accounts.get(name)?.role === "bot";
  }

  isDeleted(name) {
    return this.#accounts.get(name)?.deleted === true;
  }

  /** The id of the profile picture of a user, if there is one. */
  picture(name) {
    return (this.#online.get(name) ?? this.#accounts.get(name))?.picture;
  }

  /** {name, isBot, picture} of the author of a message; `name` as in `display`. */
  author(name) {
    return { name: this.display(name), isBot: this.isBot(name), picture: this.picture(name) };
  }

  /** Request an account again that refused a message. */
  async recheck(name) {
    if (this.isDeleted(name) || this.#rechecked.has(name)) return;
    this.#rechecked.add(name);
    await this.#request(`names=${encodeURIComponent(name)}`);
    this.#rechecked.delete(name);
  }

  /** The names of online users by display name, the user of the page first. */
  get online() {
    return this.#sorted([...this.#online.keys()]);
  }

  get offline() {
    const absent = [...this.#accounts.values()].filter(({ name, disabled }) => !disabled && !this.isOnline(name));
    return this.#sorted(absent.map(({ name }) => name));
  }

  get count() {
    return Math.max(this.#accounts.size, this.#online.size);
  }

  /** All other enabled accounts, online users first: [{name, display, picture}]. */
  get others() {
    const names = [...this.online, ...this.offline].filter((name) => name !== me.name);
    return names.map((name) => ({ name, display: this.#unqualified(name), picture: this.picture(name) }));
  }

  replaceOnline(users) {
    this.#online = new Map(users.map((user) => [user.name, user]));
    this.#addUnknown();
  }

  applyPresence({ online = [], offline = [], changed = [] }) {
    for (const user of online) this.#online.set(user.name, user);
    for (const { name, picture } of [...online, ...changed]) {
      if (this.#accounts.has(name)) this.#accounts.set(name, { ...this.#accounts.get(name), picture });
    }
    for (const name of offline) this.#online.delete(name);
    this.#addUnknown();
  }

  #loadWhenOnline() {
    if (navigator.onLine) this.#loadNew();
    else addEventListener("online", () => this.#loadNew(), { once: true });
  }

  #loadNew() {
    return this.#isComplete ? this.load() : this.#loadNames();
  }

  async #loadNames() {
    this.#loadedAt = Date.now();
    this.#timer = 0;
    const names = [...this.#toLoad].filter((name) => !this.#requested.has(name)).slice(0, NAMES_LIMIT);
    this.#toLoad.clear();
    for (const name of names) this.#requested.add(name);
    if (names.length > 0) await this.#request(`names=${encodeURIComponent(names.join(","))}`);
  }

  /** Returns whether the response has new accounts. */
  async #request(query) {
    const before = this.#accounts.size;
    try {
      this.#add((await sessionRequest("GET", `${urls.users}?${query}`)).users);
    } catch {
      // Names in presence and messages are still shown.
    }
    return this.#accounts.size > before;
  }

  #add(users) {
    for (const user of users) this.#addAccount(user);
    this.#changed();
  }

  /** Add accounts from presence. A new one means that there may be more, so the list is loaded again. */
  #addUnknown() {
    const unknown = [...this.#online.keys()].filter((name) => !this.#accounts.has(name));
    if (this.#accounts.size > 0 && this.#isComplete) this.ensureLoaded(...unknown);
    for (const name of unknown) this.#addAccount({ ...this.#online.get(name), disabled: false });
    this.#changed();
  }

  #addAccount(user) {
    this.#accounts.set(user.name, user);
    this.mentioned.add(user.name);
  }

  #sorted(names) {
    return sortedByName(names, (name) => (name === me.name ? "" : this.#unqualified(name)));
  }

  #changed() {
    this.#namesakes = null;
    this.dispatchEvent(new CustomEvent("users:changed"));
  }
}
