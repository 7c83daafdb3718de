/**
 * Gives the elements that let the user find people and rooms their candidates: the quick switcher, the completion list,
 * the filter, the directory, the pickers and the profile card.
 *
 * Listens to `mention:requested` {name}.
 */

import { grouped } from "../lib/addressees.js";
import { foldName } from "../lib/mentions.js";
import { directKey } from "../lib/route.js";
import { listed } from "../lib/view.js";
import { Members } from "../state/members.js";
import { publicRooms } from "../state/public-rooms.js";
import { me } from "./page.js";
import { loadPinyin } from "./pinyin.js";

export class Candidates {
  #conversations;
  #users;
  #nameOf;
  #members = new Members();

  /** `nameOf(conversation)`: its shown name; `current()`: the open conversation. */
  constructor(app, { conversations, users, nameOf, current }) {
    this.#conversations = conversations;
    this.#users = users;
    this.#nameOf = nameOf;
    const part = (name) => app.querySelector(name);
    const loadMore = (query) => this.#loadMore(query);
    Object.assign(part("quick-switcher"), { candidates: () => this.#switcherItems, loadMore });
    Object.assign(part("directory-dialog"), { candidates: () => this.#everyone, loadMore });
    Object.assign(part("list-filter"), { loadMore });
    Object.assign(part("people-dialog"), { candidates: () => users.others });
    for (const picker of app.querySelectorAll("people-picker")) Object.assign(picker, { candidates: () => users.others, loadMore });
    Object.assign(part("completion-list"), {
      candidates: () => this.#mentionCandidates(current()),
      loadMore: (query) => this.#loadMentionCandidates(current(), query),
      rooms: () => this.#rooms,
      loadRooms: async (query) => (await Promise.all([publicRooms.load(), this.#loadMore(query)])).includes(true),
    });
    Object.assign(part("profile-card"), { describe: (name) => this.#profile(name), roomName: (room) => this.#roomName(room) });
    app.addEventListener("mention:requested", ({ detail }) => part("message-composer").insert(`@${detail.name} `));
  }

  async #loadMore(query) {
    const names = [...this.#users.others, ...this.#switcherItems, ...this.#rooms];
    return (await Promise.all([this.#users.loadByPrefix(query), loadPinyin(query, names)])).includes(true);
  }

  /** All users with their status, online ones first. */
  get #everyone() {
    const { online, offline } = this.#users;
    return [...online, ...offline].map((name) => this.#describe(name));
  }

  #describe(name) {
    const users = this.#users;
    return {
      name,
      display: users.display(name),
      title: users.title(name),
      picture: users.picture(name),
      online: users.isOnline(name),
      bot: users.isBot(name),
      deleted: users.isDeleted(name),
    };
  }

  /** `written`: the name, perhaps in another case. */
  #profile(written) {
    const key = foldName(written);
    const known = [me.name, ...this.#users.others.map(({ name }) => name)].find((name) => foldName(name) === key);
    return this.#describe(known ?? written);
  }

  #roomName(room) {
    const found = this.#conversations.of(room);
    return found && this.#nameOf(found);
  }

  /** Null until the members are loaded, because suggestions that are shown must not move. */
  #mentionCandidates(conversation) {
    const members = this.#members.of(conversation);
    return members === undefined ? null : grouped(this.#users.others, members);
  }

  async #loadMentionCandidates(conversation, query) {
    const more = await Promise.all([this.#members.load(conversation), this.#loadMore(query)]);
    return more.includes(true);
  }

  /** The rooms with names: those of this user by activity, then other public ones. */
  get #rooms() {
    const own = this.#conversations.all.filter(({ name, archived }) => name && !archived).sort((a, b) => b.lastAt - a.lastAt);
    const known = new Set(own.map(({ name }) => name));
    const others = publicRooms.all.filter(({ name }) => !known.has(name));
    return [...own.map((one) => ({ name: one.name, display: this.#nameOf(one) })), ...others.map(({ name, title }) => ({ name, display: title }))];
  }

  /** Conversations with unread messages first, then the newest, then other users, then archived rooms. */
  get #switcherItems() {
    const { rooms, direct, archived } = listed(this.#conversations.all, null);
    const item = (one) => ({
      key: one.key,
      name: one.to ?? one.name ?? one.key,
      display: this.#nameOf(one),
      isPublic: !one.isDirect && !one.private,
      isArchived: one.archived,
      unread: one.archived ? 0 : one.unread,
      lastAt: one.lastAt,
    });
    const known = [...rooms, ...direct].map(item);
    known.sort((a, b) => Math.sign(b.unread) - Math.sign(a.unread) || b.lastAt - a.lastAt);
    const keys = new Set(known.map(({ key }) => key));
    const others = this.#users.others.map(({ name }) => ({
      key: directKey(name),
      name,
      display: this.#users.display(name),
      unread: 0,
    }));
    return [...known, ...others.filter(({ key }) => !keys.has(key)), ...archived.map(item)];
  }
}
