/** <admin-people>: everybody who has an account, their rights, their passwords, their names. */

import { AdminList } from "../ui/admin-list.js";
import { sessionRequest } from "../net/api.js";
import { _ } from "../lib/i18n.js";
import { labelled } from "../lib/names.js";
import { me, urls } from "../ui/page.js";

class AdminPeople extends AdminList {
  #kind = this.querySelector("#kind");
  #dialog = this.dialog("person");

  connectedCallback() {
    super.connectedCallback();
    this.#kind.addEventListener("change", () => this.show());
    this.querySelector(".person-rename").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#rename(this.open, event.target.elements.display);
    });
    for (const [name, action] of Object.entries({ admin: this.#admin, reset: this.#reset, disable: this.#disable })) {
      this.querySelector(`.person-${name}`).addEventListener("click", () => action.call(this, this.open));
    }
  }

  read({ people }) {
    return people;
  }

  key({ name }) {
    return name;
  }

  words({ name, display }) {
    return `${name} ${display}`;
  }

  admits(item, wanted) {
    const kind = this.#kind.value;
    const fits = kind === "" || (kind === "disabled" ? item.disabled : item.role === kind);
    return fits && super.admits(item, wanted);
  }

  fill(row, person) {
    const [joined, seen] = row.querySelectorAll("time");
    row.querySelector(".cell-title").textContent = person.display;
    row.querySelector(".cell-name").textContent = `@${person.name}`;
    row.querySelector(".tag").textContent = rights(person);
    row.querySelector(".tag").dataset.kind = person.disabled ? "closed" : person.role;
    row.querySelector("[data-opens]").setAttribute("aria-label", _("Manage %(name)s", { name: labelled(person) }));
    this.moment(joined, person.created_at);
    this.moment(seen, person.last_seen_at);
    if (person.online) seen.textContent = _("now");
  }

  opened(_name, person) {
    const itself = person.name === me.name;
    const show = (part, text) => {
      this.#dialog.querySelector(part).textContent = text;
    };
    show("h2", person.display);
    this.#dialog.querySelector("[name=display]").value = person.display;
    show(".person-admin", person.role === "admin" ? _("Remove administrator rights") : _("Make administrator"));
    show(".person-disable", person.disabled ? _("Reactivate the account") : _("Disable the account"));
    this.#dialog.querySelector(".person-disable").classList.toggle("button-danger", !person.disabled);
    this.#dialog.querySelector(".person-self").hidden = !itself;
    for (const button of [".person-reset", ".person-disable"]) this.#dialog.querySelector(button).hidden = itself;
  }

  #change(person, facts) {
    return sessionRequest("PATCH", addressOf(person), facts);
  }

  async #rename(person, field) {
    const display = field.value;
    if (display === person.display) return;
    if (!(await this.changed(() => this.#change(person, { display })))) return;
    if (field.value === display) field.value = this.open.display; // as the server stores it
    this.say(_("Saved"));
  }

  #admin(person) {
    const admin = person.role !== "admin";
    const question = {
      question: admin ? _("Make %(name)s an administrator?", { name: labelled(person) }) : _("Are you sure?"),
      text: admin
        ? _("Administrators manage people, rooms, bots and invitations.")
        : _("%(name)s will be an ordinary member.", { name: labelled(person) }),
      yes: admin ? _("Make administrator") : _("Remove rights"),
    };
    return this.confirmed(question, () => this.#change(person, { admin }));
  }

  #reset(person) {
    const question = {
      question: _("Reset the password of %(name)s?", { name: labelled(person) }),
      text: _("The old password stops working, and all devices of this user are logged out."),
      yes: _("Reset the password"),
    };
    return this.confirmed(question, async () => {
      const { password } = await sessionRequest("POST", `${addressOf(person)}/password`);
      const made = this.#dialog.querySelector(".admin-made");
      made.hidden = false;
      made.querySelector("copy-field").value = password;
      made.querySelector("button").focus();
    });
  }

  #disable(person) {
    if (person.disabled) return this.changed(() => this.#change(person, { disabled: false }));
    const question = {
      question: _("Disable the account of %(name)s?", { name: labelled(person) }),
      text: _("All devices of this user are logged out at once. Messages stay."),
      yes: _("Disable the account"),
    };
    return this.confirmed(question, () => this.#change(person, { disabled: true }));
  }
}

const addressOf = ({ name }) => `${urls.users}/${encodeURIComponent(name)}`;

function rights({ role, disabled }) {
  if (disabled) return _("Disabled");
  return role === "admin" ? _("Administrator") : _("Member");
}

customElements.define("admin-people", AdminPeople);
