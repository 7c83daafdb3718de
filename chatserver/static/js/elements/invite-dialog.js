/**
 * <invite-dialog>: makes invitations, with their QR codes, lists them, takes them back.
 *
 * Opened by any click on [data-open="invite"].
 */

import { ask, attempt, once } from "../api.js";
import { wire } from "../dialogs.js";
import { catchFocus, sync } from "../dom.js";
import { Dates } from "../lib/dates.js";
import { _, ngettext } from "../lib/i18n.js";
import { goodFor, revokeQuestion } from "../lib/invites.js";
import { clone, lang, urls } from "../page.js";

class InviteDialog extends HTMLElement {
  #form = this.querySelector("form");
  #made = this.querySelector(".invite-made");
  #list = this.querySelector(".invite-list ul");
  #problem = this.querySelector(".form-problem");
  #dates = new Dates(lang);

  connectedCallback() {
    wire(this, { name: "invite", opened: () => this.#opened() });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      once(this.#problem, () => this.#make());
    });
  }

  #opened() {
    this.#made.hidden = true;
    attempt(this.#problem, () => this.#load());
  }

  async #make() {
    const { uses, days } = Object.fromEntries(new FormData(this.#form));
    const invite = await ask("POST", urls.invites, { uses: Number(uses), days: Number(days) });
    this.#made.hidden = false;
    this.#made.querySelector(".invite-facts").textContent = goodFor(invite, this.#dates);
    this.#made.querySelector("invite-link").show(invite, invite.addresses);
    this.#made.querySelector("button").focus();
    await this.#load(invite.code);
  }

  /** The open invitations, without the one that was made just now and is shown above them. */
  async #load(made) {
    const answer = await ask("GET", urls.invites);
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
    item.querySelector(".invite-facts").id = `invite-${code}`; // tells the buttons of several rows apart
    for (const button of item.querySelectorAll("button")) button.setAttribute("aria-describedby", `invite-${code}`);
    item.querySelector(".invite-revoke").addEventListener("click", () => {
      once(this.#problem, () => this.#revoke(code));
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
    item.querySelector(".invite-facts").textContent = `${title ?? _("Lobby")} · ${facts}`;
  }

  async #revoke(code) {
    if (!(await document.querySelector("confirm-dialog").ask(revokeQuestion()))) return;
    await ask("DELETE", `${urls.invites}/${encodeURIComponent(code)}`);
    this.#made.hidden = true;
    await this.#load();
    catchFocus(this.#form.elements.uses);
  }
}

const absolute = (url) => new URL(url, location.href).href;

customElements.define("invite-dialog", InviteDialog);
