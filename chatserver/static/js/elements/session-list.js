/**
 * <session-list>: lists the user's sessions, and ends one or all of them.
 *
 * Dispatches `session:logout` {everywhere: true}.
 */

import { attempt, attemptOnce, sessionRequest } from "../net/api.js";
import { emit, reconcile } from "../ui/dom.js";
import { Dates } from "../lib/dates.js";
import { device } from "../lib/device.js";
import { _ } from "../lib/i18n.js";
import { clone, lang, urls } from "../ui/page.js";

class SessionList extends HTMLElement {
  #list = this.querySelector("ul");
  #problem = this.querySelector(".form-problem");
  #dates = new Dates(lang);

  connectedCallback() {
    this.querySelector(".sessions-end").addEventListener("click", () => emit(this, "session:logout", { everywhere: true }));
  }

  opened() {
    attempt(this.#problem, () => this.#load());
  }

  async #load() {
    const { sessions } = await sessionRequest("GET", urls.sessions);
    reconcile(this.#list, [...sessions].sort((a, b) => Number(b.current) - Number(a.current)), {
      key: ({ id }) => id,
      make: ({ id }) => this.#row(id),
      update: (row, session) => this.#describe(row, session),
    });
  }

  #row(id) {
    const row = clone("session");
    row.querySelector("button").addEventListener("click", () => attemptOnce(this.#problem, () => this.#end(id)));
    return row;
  }

  #describe(row, { client, created_at: since, last_seen_at: seen, current }) {
    const name = device(client) || _("Unknown device");
    row.querySelector(".session-device").textContent = name;
    row.querySelector(".session-details").textContent = current
      ? _("This device")
      : _("Since %(since)s, last seen %(seen)s", { since: this.#dates.moment(since), seen: this.#dates.moment(seen) });
    const button = row.querySelector("button");
    button.hidden = current;
    button.setAttribute("aria-label", _("Log out %(name)s", { name }));
  }

  async #end(id) {
    await sessionRequest("DELETE", `${urls.sessions}/${encodeURIComponent(id)}`);
    await this.#load();
  }
}

customElements.define("session-list", SessionList);
