/** <chat-topbar>: name and members of the open conversation, and whether other conversations have unread messages. */

import { _, ngettext } from "../lib/i18n.js";

class ChatTopbar extends HTMLElement {
  /**
   * `elsewhere`: unread messages of other conversations; `to`: the other user of a direct conversation, or null;
   * `favorite`: null if the conversation cannot be one; `members`: their number, null if every user is a member; `known`: whether details of the room are available.
   */
  show({ name, to, known, topic, members, isPrivate, favorite, isOnline, online, elsewhere }) {
    const count =
      members === null
        ? online > 0 && ngettext("%(num)s person online", "%(num)s people online", online)
        : members > 0 && ngettext("%(num)s member", "%(num)s members", members); // 0: they are not loaded yet
    this.dataset.kind = to === null ? "room" : "direct";
    this.dataset.private = String(isPrivate);
    this.dataset.online = String(isOnline);
    this.querySelector(".topbar-title").textContent = name;
    const room = known ? [isPrivate ? _("Private") : "", topic || count].filter(Boolean).join(" · ") : "";
    this.querySelector(".topbar-details").textContent =
      to === null ? room : `@${to} · ${isOnline ? _("online") : _("offline")}`;
    this.querySelector(".topbar-elsewhere").hidden = elsewhere === 0;
    this.querySelector(".topbar-next").hidden = elsewhere === 0;
    this.querySelector(".topbar-favorite").hidden = favorite === null;
    this.querySelector(".topbar-favorite").setAttribute("aria-pressed", String(favorite === true));
  }
}

customElements.define("chat-topbar", ChatTopbar);
