/**
 * <invite-dialog>: makes invitations, with their QR codes, lists them, takes them back. New users enter the room on
 * screen, which the page tells it by `show`, or only the lobby.
 *
 * Opened by any click on [data-open="invite"].
 */

import { attempt, attemptOnce, sessionRequest } from "../net/api.js";
import { setUpDialog } from "../ui/dialogs.js";
import { restoreFocus, sync } from "../ui/dom.js";
import { Dates } from "../lib/dates.js";
import { _, ngettext } from "../lib/i18n.js";
import { validityText, revokeQuestion } from "../lib/invitation-text.js";
import { clone, lang, urls } from "../ui/page.js";
import { LOBBY } from "../net/protocol.js";

class InviteDialog extends HTMLElement {
  #form = this.querySelector("form");
  #made = this.querySelector(".invite-made");
  #list = this.querySelector(".invite-list ul");
  #problem = this.querySelector(".form-problem");
  #dates = new Dates(lang);
  #onScreen = null; // {name, title} of the room that invitations can lead into, or null

  connectedCallback() {
    setUpDialog(this, { name: "invite", opened: () => this.#opened() });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      attemptOnce(this.#problem, () => this.#make());
    });
  }

  /** The conversation on screen; `title`: its name as it is shown; `member`: the user is one. */
  show({ room, name, archived, isDirect }, { title, member }) {
    const isRoom = member && !isDirect && !archived && name !== null && room !== LOBBY;
    this.#onScreen = isRoom ? { name, title } : null;
  }

  #opened() {
    this.#made.hidden = true;
    this.#offerRoom();
    attempt(this.#problem, () => this.#load());
  }

  #offerRoom() {
    const found = this.#onScreen;
    const room = found ? [new Option(found.title, found.name)] : [];
    this.querySelector(".invite-room").hidden = !found;
    this.#form.elements.room.replaceChildren(...room, new Option(_("Lobby only"), ""));
  }

  async #make() {
    const { uses, days, room } = Object.fromEntries(new FormData(this.#form));
    const invite = await sessionRequest("POST", urls.invites, { uses: Number(uses), days: Number(days), room });
    this.#made.hidden = false;
    this.#made.querySelector(".invite-details").textContent = validityText(invite, this.#dates);
    this.#made.querySelector("invite-link").show(invite, invite.addresses);
    this.#made.querySelector("button").focus();
    await this.#load(invite.code);
  }

  /** The open invitations, without the one that was made just now and is shown above them. */
  async #load(made) {
    const answer = await sessionRequest("GET", urls.invites);
    const invites = answer.invites.filter(({ code }) => code !== made);
    this.querySelector(".invite-list").hidden = invites.length === 0;
    sync(this.#list, invites, {
      key: ({ code }) => code,
      make: (invite) => this.#item(invite),
      update: (item, invite) => this.#describe(item, invite),
    });
  }

  #item({ code, url }) {
    const item = clone("invite-row");
    item.querySelector("copy-field input").value = absolute(url);
    item.querySelector(".invite-details").id = `invite-${code}`; // tells the buttons of several rows apart
    for (const button of item.querySelectorAll("button")) button.setAttribute("aria-describedby", `invite-${code}`);
    item.querySelector(".invite-revoke").addEventListener("click", () => {
      attemptOnce(this.#problem, () => this.#revoke(code));
    });
    return item;
  }

  #describe(item, { title, uses_left: uses, expires_at: end, created_by: by }) {
    const left = ngettext("for %(num)s person", "for %(num)s people", uses);
    const facts = _("%(left)s, until %(end)s, by %(name)s", {
      left,
      end: this.#dates.moment(new Date(end)),
      name: by || _("the server's operator"),
    });
    item.querySelector(".invite-details").textContent = `${title ?? _("Lobby")} · ${facts}`;
  }

  async #revoke(code) {
    if (!(await document.querySelector("confirm-dialog").ask(revokeQuestion()))) return;
    await sessionRequest("DELETE", `${urls.invites}/${encodeURIComponent(code)}`);
    this.#made.hidden = true;
    await this.#load();
    restoreFocus(this.#form.elements.uses);
  }
}

const absolute = (url) => new URL(url, location.href).href;

customElements.define("invite-dialog", InviteDialog);
