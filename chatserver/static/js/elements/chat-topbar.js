/** <chat-topbar>: the name of the open conversation, who is there, and whether others have news. */

import { _, ngettext } from "../lib/i18n.js";

class ChatTopbar extends HTMLElement {
  /** `elsewhere`: unread messages of other conversations; `to`: the other one of a direct one, or null. */
  show({ name, to, topic, isOnline, online, elsewhere }) {
    const members = ngettext("%(num)s person online", "%(num)s people online", online);
    this.dataset.kind = to === null ? "room" : "direct";
    this.dataset.online = String(isOnline);
    this.querySelector(".topbar-title").textContent = name;
    this.querySelector(".topbar-facts").textContent =
      to === null ? topic || members : `@${to} · ${isOnline ? _("online") : _("offline")}`;
    this.querySelector(".topbar-elsewhere").hidden = elsewhere === 0;
  }
}

customElements.define("chat-topbar", ChatTopbar);
