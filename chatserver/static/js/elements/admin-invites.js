/** <admin-invites>: creates, lists and revokes invitations, and shows their links and QR codes. */

import { AdminList } from "../ui/admin-list.js";
import { sessionRequest } from "../net/api.js";
import { _, ngettext } from "../lib/i18n.js";
import { validityText, revokeQuestion } from "../lib/invitation-text.js";
import { LOBBY } from "../net/protocol.js";
import { urls } from "../ui/page.js";
import { listRooms } from "../net/room-lists.js";

class AdminInvites extends AdminList {
  #addresses = []; // URLs under which other devices reach this server
  #form = this.querySelector("form");

  connectedCallback() {
    super.connectedCallback();
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#create(Object.fromEntries(new FormData(this.#form)));
    });
    this.addEventListener("click", ({ target }) => {
      if (target.closest(".revoke")) this.#revoke(this.itemOf(target));
    });
    this.attempt(() => this.#offerRooms());
  }

  read({ invites, addresses }) {
    this.#addresses = addresses;
    return invites;
  }

  key({ code }) {
    return code;
  }

  searchText() {
    return "";
  }

  fill(row, { title, uses_left: uses, expires_at: end, created_by: by }) {
    const [usesCell, , creatorCell] = row.querySelectorAll("td");
    row.querySelector(".cell-title").textContent = title ?? _("Lobby");
    usesCell.textContent = ngettext("%(num)s person", "%(num)s people", uses);
    creatorCell.textContent = by || _("the server's operator");
    this.moment(row.querySelector("time"), end);
  }

  opened(_name, invite) {
    const dialog = this.dialog("invite");
    dialog.querySelector(".invite-details").textContent = validityText(invite, this.dates);
    dialog.querySelector("invite-link").show(invite, this.#addresses);
  }

  /** Offer the user's own rooms and public rooms. */
  async #offerRooms() {
    const { own, open } = await listRooms();
    const named = [...own, ...open].filter(({ name, room, archived }) => name && room !== LOBBY && !archived);
    const titles = new Map(named.map(({ name, title }) => [name, title]));
    const options = [...titles].map(([name, title]) => new Option(title, name));
    this.#form.elements.room.replaceChildren(new Option(_("Lobby"), ""), ...options);
  }

  async #create({ uses, days, room }) {
    let code;
    await this.changed(async () => {
      ({ code } = await sessionRequest("POST", urls.invites, { uses: Number(uses), days: Number(days), room }));
    });
    const created = this.items.find((invite) => invite.code === code);
    if (created) this.openDialog("invite", created);
  }

  #revoke({ code }) {
    return this.confirmed(revokeQuestion(), () => sessionRequest("DELETE", addressOf(code)));
  }
}

const addressOf = (code) => `${urls.invites}/${encodeURIComponent(code)}`;

customElements.define("admin-invites", AdminInvites);
