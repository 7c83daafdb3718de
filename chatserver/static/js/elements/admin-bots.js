/** <admin-bots>: creates and lists bots, and shows a new token once with a curl command that uses it. */

import { AdminList } from "../ui/admin-list.js";
import { sessionRequest } from "../net/api.js";
import { sortedByName } from "../lib/collation.js";
import { _ } from "../lib/i18n.js";
import { labelled } from "../lib/names.js";
import { clone, urls } from "../ui/page.js";
import { LOBBY } from "../net/protocol.js";
import { listRooms } from "../net/room-lists.js";

class AdminBots extends AdminList {
  #form = this.querySelector("form");
  #picture = this.querySelector("profile-picture");

  connectedCallback() {
    super.connectedCallback();
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#create(new FormData(this.#form));
    });
    for (const [name, action] of Object.entries({ renew: this.#renew, revoke: this.#revoke, disable: this.#disable })) {
      this.querySelector(`.bot-${name}`).addEventListener("click", () => action.call(this, this.open));
    }
    this.#picture.addEventListener("picture:changed", () => this.load());
    this.attempt(() => this.#offerRooms());
  }

  read({ bots }) {
    return sortedByName(bots, ({ display }) => display);
  }

  key({ name }) {
    return name;
  }

  searchText() {
    return "";
  }

  fill(row, bot) {
    row.querySelector(".cell-title").textContent = bot.display;
    row.querySelector(".cell-name").textContent = `@${bot.name}`;
    row.querySelector(".tag").textContent = state(bot);
    row.querySelector(".tag").dataset.kind = bot.disabled || !bot.token_since ? "closed" : "";
    row.querySelectorAll("td")[1].textContent = bot.rooms.map((name) => `#${name}`).join(", ");
    row.querySelector("[data-opens]").setAttribute("aria-label", _("Manage %(name)s", { name: labelled(bot) }));
    this.moment(row.querySelector("time"), bot.token_since);
  }

  opened(name, bot) {
    const dialog = this.dialog(name);
    this.#form.hidden = false;
    if (!bot) return;
    dialog.querySelector("h2").textContent = bot.display;
    this.#picture.dataset.url = `${this.dataset.url}/${encodeURIComponent(bot.name)}/picture`;
    this.#picture.show({ ...bot, picture: bot.picture ?? "" });
    dialog.querySelector(".bot-revoke").hidden = !bot.token_since;
    const button = dialog.querySelector(".bot-disable");
    button.textContent = bot.disabled ? _("Reactivate the account") : _("Disable the bot");
    button.classList.toggle("button-danger", !bot.disabled);
  }

  async #offerRooms() {
    const { own, open } = await listRooms();
    const named = [...own, ...open].filter(({ name, room, archived }) => name && room !== LOBBY && !archived);
    const titles = new Map(named.map(({ name, title }) => [name, title]));
    const choices = [...titles].map(([name, title]) => {
      const choice = clone("room-choice");
      choice.querySelector("input").value = name;
      choice.querySelector("span").textContent = title;
      return choice;
    });
    this.#form.querySelector(".choice-list").replaceChildren(...choices);
    this.#form.querySelector("fieldset").hidden = choices.length === 0;
  }

  async #create(fields) {
    const created = await this.attempt(async () => {
      const rooms = fields.getAll("room");
      const body = { name: fields.get("bot-name"), display: fields.get("bot-display"), rooms };
      const { token } = await sessionRequest("POST", this.dataset.url, body);
      this.#showToken(token, rooms);
      this.#form.hidden = true;
      this.#form.reset();
    });
    if (created) await this.load();
  }

  /** Show the token in the open dialog. */
  #showToken(token, [room = "lobby"]) {
    const result = this.querySelector("dialog[open] .admin-made");
    const url = new URL(`${urls.rooms}/${encodeURIComponent(room)}/messages`, location.href);
    result.hidden = false;
    result.querySelector(".bot-token").value = token;
    result.querySelector(".bot-curl").value =
      `curl -H "Authorization: Bearer ${token}" -H "Content-Type: text/plain" -d "Hello" ${url}`;
    result.querySelector("button").focus();
  }

  #renew(bot) {
    const question = {
      question: _("Create a new token for %(name)s?", { name: labelled(bot) }),
      text: _("The old token stops working at once."),
      yes: _("Create a new token"),
    };
    return this.confirmed(question, async () => {
      const { token } = await sessionRequest("POST", `${this.dataset.url}/${encodeURIComponent(bot.name)}/token`);
      this.#showToken(token, bot.rooms);
    });
  }

  #revoke(bot) {
    const question = {
      question: _("Revoke the token of %(name)s?", { name: labelled(bot) }),
      text: _("The bot cannot connect until it gets a new one."),
      yes: _("Revoke the token"),
    };
    return this.confirmed(question, () =>
      sessionRequest("DELETE", `${this.dataset.url}/${encodeURIComponent(bot.name)}/token`),
    );
  }

  #disable(bot) {
    const address = `${urls.users}/${encodeURIComponent(bot.name)}`;
    return this.changed(() => sessionRequest("PATCH", address, { disabled: !bot.disabled }));
  }
}

function state({ disabled, token_since: since }) {
  if (disabled) return _("Disabled");
  return since ? _("Active") : _("No token");
}

customElements.define("admin-bots", AdminBots);
