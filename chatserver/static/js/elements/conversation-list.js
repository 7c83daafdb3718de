/**
 * <conversation-list>: rooms, direct conversations and users, with unread counts and presence. The row under
 * the pointer does not move.
 */

import { showAvatar } from "../ui/avatar.js";
import { lazyBundle } from "../ui/lazy-load.js";
import { reconcile } from "../ui/dom.js";
import { _, ngettext } from "../lib/i18n.js";
import { directKey, hashOf } from "../lib/route.js";
import { badge } from "../lib/unread.js";
import { clone } from "../ui/page.js";
import { attachments } from "../state/attachments.js";
import { SteadyRows } from "../ui/steady-rows.js";

const MARGIN = 8; // pixels between the row of the open conversation and the edge of the list

class ConversationList extends HTMLElement {
  #view = null;
  #edges = null; // UnreadEdges, when the lazy bundle is loaded
  #revealed = null; // the key of the conversation whose row was brought into view last
  #steady = new SteadyRows(this, { scroller: this.parentElement, draw: () => this.#view && this.show(this.#view) });

  /**
   * `rooms`, `direct`: conversations in order; `users`: the directory; `current`: the key of the open one; `drafts`: the
   * keys of those with unsent text.
   */
  show(view) {
    this.#view = view;
    this.#steady.draw(() => this.#draw(view));
    if (view.current !== this.#revealed && !this.#steady.isPointedAt) this.#reveal(view.current);
    this.#edges ??= lazyBundle.module && new lazyBundle.module.UnreadEdges(this.parentElement);
    this.#edges?.update();
  }

  #draw({ rooms, direct, users, current, drafts, nameOf }) {
    const isDraft = (key) => drafts.has(key) || attachments.of(key).length > 0;
    const marks = ({ key }) => ({ current, draft: key !== current && isDraft(key) });
    const room = (conversation) => ({ ...this.#room(conversation, nameOf), ...marks(conversation) });
    const row = ({ key, to, unread, mentions, muted }) => ({
      ...this.#user(to, users),
      unread,
      mentions,
      muted,
      ...marks({ key }),
    });
    const listed = new Set(direct.map(({ to }) => to));
    const user = (name) => ({ ...this.#user(name, users), draft: !listed.has(name) && isDraft(directKey(name)) }); // others are marked in `direct`
    this.#fill("rooms", rooms.map(room));
    this.#fill("direct", direct.map(row));
    this.#fill("online", users.online.map(user));
    this.#fill("offline", users.offline.map(user));
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
    const { key, archived, muted, private: hidden } = conversation;
    const { unread, mentions } = archived ? { unread: 0, mentions: 0 } : conversation;
    return { key, title: nameOf(conversation), unread, mentions, muted, archived, icon: hidden ? "lock" : "hash" };
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

  #fill(section, wanted) {
    const element = this.querySelector(`[data-section=${section}]`);
    const list = element.querySelector("ul");
    const items = this.#steady.items(list, wanted);
    element.hidden = items.length === 0;
    const count = element.querySelector(".section-count");
    if (count) count.textContent = items.length;
    reconcile(list, items, {
      key: (item) => item.key,
      make: (item) => this.#make(item),
      update: (child, item) => this.#update(child, item),
    });
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

const unreadText = (n) => ngettext("%(num)s unread message", "%(num)s unread messages", n);
const mentionText = (n) => ngettext("%(num)s message that mentions you", "%(num)s messages that mention you", n);

customElements.define("conversation-list", ConversationList);
