/**
 * <conversation-list>: unread conversations, favorites, rooms, direct conversations and users, with unread counts and
 * presence. The row under the pointer does not move.
 */

import { showAvatar } from "../ui/avatar.js";
import { lazyBundle } from "../ui/lazy-load.js";
import { reconcile } from "../ui/dom.js";
import { _, ngettext } from "../lib/i18n.js";
import { directKey, hashOf } from "../lib/route.js";
import { BY_NAME, isCalling, sections } from "../lib/sections.js";
import { badge } from "../lib/unread.js";
import { clone } from "../ui/page.js";
import { attachments } from "../state/attachments.js";
import * as choices from "../state/section-choices.js";
import { SteadyRows } from "../ui/steady-rows.js";

const PEOPLE = ["online", "offline"]; // sections whose users may also have a row in another one
const STARTS = "direct"; // the section in which the user starts conversations, also the first one
const MARGIN = 8; // pixels between the row of the open conversation and the edge of the list
const MAX_LISTED_USERS = 64; // accounts; more are found in the directory and by the filter
const MAX_FOUND_USERS = 20; // of a section, while the list is filtered

class ConversationList extends HTMLElement {
  #view = null;
  #filter = null; // ({name, display}) → whether it is shown; null if all are
  #edges = null; // UnreadEdges, when the lazy bundle is loaded
  #revealed = null; // the key of the conversation whose row was brought into view last
  #steady = new SteadyRows(this, { scroller: this.parentElement, draw: () => this.#view && this.show(this.#view) });

  connectedCallback() {
    this.addEventListener("click", ({ target }) => this.#clicked(target));
  }

  /**
   * `rooms`, `direct`: conversations; `users`: the directory; `current`: the key of the open one; `drafts`: the
   * keys of those with unsent text.
   */
  show(view) {
    this.#view = view;
    this.#steady.draw(() => this.#draw(view));
    if (view.current !== this.#revealed && !this.#steady.isPointedAt) this.#reveal(view.current);
    this.#edges ??= lazyBundle.module && new lazyBundle.module.UnreadEdges(this.parentElement);
    this.#edges?.update();
  }

  /** Show only what `filter` accepts; null shows all. */
  set filter(filter) {
    this.#filter = filter;
    this.#rearrange();
  }

  #clicked(target) {
    const section = sectionOf(target);
    if (target.closest(".section-toggle")) choices.toggle(section);
    else if (target.closest(".section-sort")) choices.switchOrder(section);
    else return;
    this.#rearrange();
  }

  #rearrange() {
    this.#steady.forget();
    if (this.#view) this.show(this.#view);
  }

  #draw(view) {
    const { rooms, direct, users, current, drafts, nameOf } = view;
    const isDraft = (key) => drafts.has(key) || attachments.of(key).length > 0;
    const accepted = this.#filter ? (one) => this.#filter({ name: one.to ?? one.name ?? "", display: nameOf(one) }) : () => true;
    const isKept = (key) => this.#filter !== null || key === current || isDraft(key);
    const shown = { rooms: rooms.filter(accepted), direct: direct.filter(accepted) };
    const found = sections(shown, { current, orderOf: choices.orderOf, nameOf, isKept });
    const row = (one) => ({ ...(one.isDirect ? this.#partner(one, users) : this.#room(one, nameOf)), current, draft: one.key !== current && isDraft(one.key) });
    const listed = new Set(direct.map(({ to }) => to));
    const user = (name) => ({ ...this.#user(name, users), draft: !listed.has(name) && isDraft(directKey(name)) }); // others are marked in `direct`
    const people = (name) => [name, this.#people(users, users[name], listed).map(user)];
    const rows = [...Object.entries(found).map(([name, list]) => [name, list.map(row)]), ...PEOPLE.map(people)];
    const context = { held: this.#steady.held, known: rows.flatMap(([, list]) => list) };
    for (const [name, list] of rows) this.#fill(name, list, context);
    this.querySelector(".list-none").hidden = !this.#filter || this.querySelector("li") !== null;
  }

  /** The users of `names` that are listed; a filter also finds those of a large server, without `partners`. */
  #people(users, names, partners) {
    if (!this.#filter) return users.count > MAX_LISTED_USERS ? [] : names;
    const found = names.filter((name) => !partners.has(name) && this.#filter({ name, display: users.display(name) }));
    return found.slice(0, MAX_FOUND_USERS);
  }

  /** Bring the row of the open conversation into view, once: afterwards the user scrolls the list. */
  #reveal(key) {
    const row = this.querySelector("[aria-current]");
    if (!row) return;
    this.#revealed = key;
    const list = this.parentElement;
    const [{ top, bottom }, edge] = [row.getBoundingClientRect(), list.getBoundingClientRect()];
    if (top < edge.top) list.scrollTop -= edge.top - top + MARGIN;
    if (bottom > edge.bottom) list.scrollTop += bottom - edge.bottom + MARGIN;
  }

  #room(conversation, nameOf) {
    const { key, archived, muted, isUnnamed, private: hidden } = conversation;
    const { unread, mentions } = archived ? { unread: 0, mentions: 0 } : conversation;
    return { key, title: nameOf(conversation), unread, mentions, muted, archived, icon: isUnnamed ? "group" : hidden ? "lock" : "hash" };
  }

  #partner({ to, unread, mentions, muted }, users) {
    return { ...this.#user(to, users), unread, mentions, muted };
  }

  #user(name, users) {
    return {
      key: directKey(name),
      title: users.title(name),
      name,
      display: users.display(name),
      picture: users.picture(name),
      online: users.isOnline(name),
      bot: users.isBot(name),
      unread: 0,
      mentions: 0,
    };
  }

  /** Of a closed section, the unread and the open conversation are shown. `held`, `known`: see SteadyRows. */
  #fill(section, rows, { held, known }) {
    const element = this.querySelector(`[data-section=${section}]`);
    const list = element.querySelector("ul");
    const closed = choices.isClosed(section) && !this.#filter;
    const elsewhere = held && held.list !== list && !PEOPLE.includes(section) && !PEOPLE.includes(sectionOf(held.list)) ? held.key : null;
    const free = rows.filter(({ key }) => key !== elsewhere);
    const wanted = closed ? free.filter((one) => one.key === one.current || isCalling(one)) : free;
    const items = this.#steady.items(list, wanted, known);
    element.hidden = rows.length === 0 && items.length === 0 && (section !== STARTS || this.#filter !== null);
    this.#describe(element, { section, closed, count: rows.length });
    reconcile(list, items, {
      key: (item) => item.key,
      make: (item) => this.#make(item),
      update: (child, item) => this.#update(child, item),
    });
  }

  #describe(element, { section, closed, count }) {
    element.querySelector(".section-toggle").setAttribute("aria-expanded", String(!closed));
    element.querySelector(".section-count").textContent = count || "";
    const sort = element.querySelector(".section-sort");
    if (!sort) return;
    const text = choices.orderOf(section) === BY_NAME ? _("Sorted by name; sort by latest message") : _("Sorted by latest message; sort by name");
    sort.setAttribute("aria-label", text);
    sort.title = text;
  }

  #make({ key, icon, name }) {
    const item = clone(icon ? "room-row" : "user-row");
    item.querySelector("a").href = hashOf(key);
    if (name) item.dataset.user = name;
    return item;
  }

  #update(item, { key, title, display, name, picture, unread, mentions, muted, archived, icon, online, bot, current, draft }) {
    const link = item.querySelector(".row");
    item.querySelector(".row-name").textContent = title;
    item.querySelector(".badge-number").textContent = badge(unread);
    item.querySelector(".badge-label").textContent = unreadText(unread);
    item.querySelector(".badge-unread").hidden = unread === 0 || muted === true;
    item.querySelector(".mentions-number").textContent = badge(mentions);
    item.querySelector(".mentions-label").textContent = mentionText(mentions);
    item.querySelector(".badge-mentions").hidden = mentions === 0;
    item.querySelector(".row-draft").hidden = !draft;
    link.classList.toggle("row-unread", unread > 0 && !muted);
    link.classList.toggle("row-muted", muted === true);
    if (icon) item.dataset.icon = icon;
    if (icon) item.querySelector(".row-archived").hidden = !archived;
    if (key === current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    if (icon) return;
    showAvatar(item.querySelector(".avatar"), { name, display, picture });
    item.dataset.online = String(online);
    item.querySelector(".bot-label").textContent = bot ? _("Bot") : "";
    item.querySelector(".presence-label").textContent = online ? _("online") : _("offline");
  }
}

const sectionOf = (element) => element.closest("[data-section]")?.dataset.section;

const unreadText = (n) => ngettext("%(num)s unread message", "%(num)s unread messages", n);
const mentionText = (n) => ngettext("%(num)s message that mentions you", "%(num)s messages that mention you", n);

customElements.define("conversation-list", ConversationList);
