/** <session-list>: where one is logged in, and ending that: one place or all of them. */

import { ask, attempt } from "../api.js";
import { sync } from "../dom.js";
import { Dates } from "../lib/dates.js";
import { device } from "../lib/device.js";
import { _ } from "../lib/i18n.js";
import { clone, goToLogin, lang, meanToLeave, urls } from "../page.js";

class SessionList extends HTMLElement {
  #list = this.querySelector("ul");
  #problem = this.querySelector(".form-problem");
  #try = (work) => attempt(this.#problem, work);
  #dates = new Dates(lang);

  connectedCallback() {
    this.querySelector(".sessions-end").addEventListener("click", () => this.#try(() => this.#endAll()));
  }

  opened() {
    this.#try(() => this.#load());
  }

  async #load() {
    const { sessions } = await ask("GET", urls.sessions);
    sync(this.#list, [...sessions].sort((a, b) => Number(b.current) - Number(a.current)), {
      key: ({ id }) => id,
      make: ({ id }) => this.#row(id),
      update: (row, session) => this.#describe(row, session),
    });
  }

  #row(id) {
    const row = clone("session");
    row.querySelector("button").addEventListener("click", () => this.#try(() => this.#end(id)));
    return row;
  }

  #describe(row, { client, created_at: since, last_seen_at: seen, current }) {
    const name = device(client) || _("Unknown device");
    row.querySelector(".session-device").textContent = name;
    row.querySelector(".session-facts").textContent = current
      ? _("This device")
      : _("Since %(since)s, last seen %(seen)s", { since: this.#dates.moment(since), seen: this.#dates.moment(seen) });
    const button = row.querySelector("button");
    button.hidden = current;
    button.setAttribute("aria-label", _("Log out %(name)s", { name }));
  }

  async #end(id) {
    await ask("DELETE", `${urls.sessions}/${encodeURIComponent(id)}`);
    await this.#load();
  }

  async #endAll() {
    const question = _("Log out everywhere?");
    const text = _("Every device has to log in again, this one too.");
    const yes = await document.querySelector("confirm-dialog").ask({ question, text, yes: _("Log out everywhere") });
    if (!yes) return;
    meanToLeave();
    await ask("DELETE", urls.sessions);
    goToLogin();
  }
}

customElements.define("session-list", SessionList);
