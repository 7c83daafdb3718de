/**
 * <profile-card>: a user's picture, names, status and rooms in common, with buttons that open the conversation or mention
 * the user. Opened by a click on an element with data-profile: the name of a user, which may be written in another case.
 *
 * Dispatches `mention:requested` {name}.
 */

import { sessionRequest } from "../net/api.js";
import { showAvatar } from "../ui/avatar.js";
import { setUpDialog } from "../ui/dialogs.js";
import { emit, reconcile } from "../ui/dom.js";
import { _ } from "../lib/i18n.js";
import { directKey, hashOf, roomKey } from "../lib/route.js";
import { clone, me, urls } from "../ui/page.js";

class ProfileCard extends HTMLElement {
  /** (name) → {name, display, title, picture, online, bot, deleted} of a user. */
  describe = (name) => ({ name, display: name, title: name });

  /** (number) → the shown name of a room of this user, or undefined. */
  roomName = () => undefined;

  #modal = setUpDialog(this, { name: "profile" });
  #rooms = this.querySelector(".profile-rooms");
  #name = "";

  connectedCallback() {
    document.addEventListener("click", (event) => {
      const opener = event.target.closest("[data-profile]");
      if (!opener || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.#open(opener.dataset.profile);
    });
    this.querySelector(".profile-message").addEventListener("click", () => this.#modal.dialog.close());
    this.#rooms.addEventListener("click", ({ target }) => target.closest("a") && this.#modal.dialog.close());
    this.querySelector(".profile-mention").addEventListener("click", () => {
      this.#modal.dialog.close();
      emit(this, "mention:requested", { name: this.#name });
    });
  }

  #open(name) {
    const user = this.describe(name);
    this.#name = user.name;
    showAvatar(this.querySelector(".avatar"), user);
    this.querySelector(".profile-title").textContent = user.title;
    this.querySelector(".profile-user").textContent = `@${user.name}`;
    this.dataset.online = String(user.online === true);
    const status = user.deleted ? _("Account deleted") : user.online ? _("online") : _("offline");
    this.querySelector(".profile-status").textContent = [user.bot && _("Bot"), status].filter(Boolean).join(" · ");
    this.querySelector(".profile-message").href = hashOf(directKey(user.name));
    this.querySelector(".profile-mention").hidden = user.deleted === true || user.name === me.name || document.querySelector("message-composer").hidden;
    this.querySelector(".profile-common").hidden = true;
    this.#modal.toggle();
    if (user.name !== me.name) this.#loadRooms(user.name);
  }

  /** Show the rooms in common, without those that this page does not know. */
  async #loadRooms(name) {
    const { rooms } = await sessionRequest("GET", `${urls.users}/${encodeURIComponent(name)}/rooms`).catch(() => ({ rooms: [] }));
    if (name !== this.#name) return;
    const known = rooms.map((room) => ({ room, title: this.roomName(room) })).filter(({ title }) => title);
    this.querySelector(".profile-common").hidden = known.length === 0;
    reconcile(this.#rooms, known, { key: ({ room }) => String(room), make: makeRoom, update: (row, { title }) => (row.querySelector("a").textContent = title) });
  }
}

function makeRoom({ room }) {
  const row = clone("common-room");
  row.querySelector("a").href = hashOf(roomKey(room));
  return row;
}

customElements.define("profile-card", ProfileCard);
