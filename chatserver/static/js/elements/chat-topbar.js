/** <chat-topbar>: the name of the open conversation, who is there, and whether others have news. */

import { _, ngettext } from "../lib/i18n.js";

class ChatTopbar extends HTMLElement {
  /**
   * `elsewhere`: unread messages of other conversations; `to`: the other one of a direct one, or null;
   * `members`: how many, null where everybody is one; `known`: whether the user may know anything of the room.
   */
  show({ name, to, known, topic, members, isPrivate, isOnline, online, elsewhere }) {
    const people =
      members === null
        ? online > 0 && ngettext("%(num)s person online", "%(num)s people online", online)
        : ngettext("%(num)s member", "%(num)s members", members);
    this.dataset.kind = to === null ? "room" : "direct";
    this.dataset.private = String(isPrivate);
    this.dataset.online = String(isOnline);
    this.querySelector(".topbar-title").textContent = name;
    const room = known ? [isPrivate ? _("Private") : "", topic || people].filter(Boolean).join(" · ") : "";
    this.querySelector(".topbar-details").textContent =
      to === null ? room : `@${to} · ${isOnline ? _("online") : _("offline")}`;
    this.querySelector(".topbar-elsewhere").hidden = elsewhere === 0;
  }
}

customElements.define("chat-topbar", ChatTopbar);
