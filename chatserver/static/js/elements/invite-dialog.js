/**
 * <invite-dialog>: creates, lists and revokes invitations, with QR codes. New users join the open room, which the page
 * passes to `show`, or only the lobby.
 *
 * Opened by [data-open="invite"].
 */

import { attempt, attemptOnce, sessionRequest } from "../net/api.js";
import { markUnchanged, setUpDialog } from "../ui/dialogs.js";
import { reconcile } from "../ui/dom.js";
import { Dates } from "../lib/dates.js";
import { _, ngettext } from "../lib/i18n.js";
import { validityText, revokeQuestion } from "../lib/invitation-text.js";
import { clone, lang, urls } from "../ui/page.js";
import { LOBBY } from "../net/protocol.js";

class InviteDialog extends HTMLElement {
  #form = this.querySelector("form");
  #created = this.querySelector(".invite-made");
  #list = this.querySelector(".invite-list ul");
  #problem = this.querySelector(".form-problem");
  #dates = new Dates(lang);
  #openRoom = null; // {name, title} of the open room, or null if it accepts no invitations

  connectedCallback() {
    setUpDialog(this, { name: "invite", opened: () => this.#opened() });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      attemptOnce(this.#problem, () => this.#create());
    });
  }

  /** The open conversation; `title`: its shown name; `member`: whether the user is a member. */
  show({ room, name, archived, isDirect }, { title, member }) {
    const isRoom = member && !isDirect && !archived && name !== null && room !== LOBBY;
    this.#openRoom = isRoom ? { name, title } : null;
  }

  #opened() {
    this.#created.hidden = true;
    this.#offerRoom();
    attempt(this.#problem, () => this.#load());
  }

  #offerRoom() {
    const open = this.#openRoom;
    const room = open ? [new Option(open.title, open.name)] : [];
    this.querySelector(".invite-room").hidden = !open;
    this.#form.elements.room.replaceChildren(...room, new Option(_("Lobby only"), ""));
  }

  async #create() {
    const { uses, days, room } = Object.fromEntries(new FormData(this.#form));
    const invite = await sessionRequest("POST", urls.invites, { uses: Number(uses), days: Number(days), room });
    markUnchanged(this.querySelector("dialog"));
    this.#created.hidden = false;
    this.#created.querySelector(".invite-details").textContent = validityText(invite, this.#dates);
    this.#created.querySelector("invite-link").show(invite, invite.addresses);
    this.#created.querySelector("button").focus();
    await this.#load(invite.code);
  }

  /** List the open invitations, without the new one, which is shown above them. */
  async #load(newCode) {
    const response = await sessionRequest("GET", urls.invites);
    const invites = response.invites.filter(({ code }) => code !== newCode);
    this.querySelector(".invite-list").hidden = invites.length === 0;
    reconcile(this.#list, invites, {
      key: ({ code }) => code,
      make: (invite) => this.#item(invite),
      update: (item, invite) => this.#describe(item, invite),
    });
  }

  #item({ code, url }) {
    const item = clone("invite-row");
    item.querySelector("copy-field input").value = absolute(url);
    item.querySelector(".invite-details").id = `invite-${code}`; // describes the buttons of this row
    for (const button of item.querySelectorAll("button")) button.setAttribute("aria-describedby", `invite-${code}`);
    item.querySelector(".invite-revoke").addEventListener("click", () => {
      attemptOnce(this.#problem, () => this.#revoke(code));
    });
    return item;
  }

  #describe(item, { title, uses_left: uses, expires_at: end, created_by: by }) {
    const left = ngettext("for %(num)s person", "for %(num)s people", uses);
    const details = _("%(left)s, until %(end)s, by %(name)s", {
      left,
      end: this.#dates.moment(new Date(end)),
      name: by || _("the server's operator"),
    });
    item.querySelector(".invite-details").textContent = `${title ?? _("Lobby")} · ${details}`;
  }

  async #revoke(code) {
    if (!(await document.querySelector("confirm-dialog").ask(revokeQuestion()))) return;
    await sessionRequest("DELETE", `${urls.invites}/${encodeURIComponent(code)}`);
    this.#created.hidden = true;
    await this.#load();
  }
}

const absolute = (url) => new URL(url, location.href).href;

customElements.define("invite-dialog", InviteDialog);
