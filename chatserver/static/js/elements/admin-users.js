/** <admin-users>: lists accounts; changes names and rights, resets passwords, disables accounts. */

import { AdminList } from "../ui/admin-list.js";
import { sessionRequest } from "../net/api.js";
import { sortedByName } from "../lib/collation.js";
import { _ } from "../lib/i18n.js";
import { labelled } from "../lib/names.js";
import { me, urls } from "../ui/page.js";

class AdminUsers extends AdminList {
  #kind = this.querySelector("#kind");
  #dialog = this.dialog("user");
  #picture = this.querySelector("profile-picture");

  connectedCallback() {
    super.connectedCallback();
    this.#kind.addEventListener("change", () => this.show());
    this.querySelector(".user-rename").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#rename(this.open, event.target.elements.display);
    });
    this.#picture.addEventListener("picture:changed", () => this.load());
    for (const [name, action] of Object.entries({ admin: this.#admin, reset: this.#reset, disable: this.#disable })) {
      this.querySelector(`.user-${name}`).addEventListener("click", () => action.call(this, this.open));
    }
  }

  read({ people }) {
    return sortedByName(people, ({ display }) => display);
  }

  key({ name }) {
    return name;
  }

  searchText({ name, display }) {
    return `${name} ${display}`;
  }

  isShown(item, wanted) {
    const kind = this.#kind.value;
    const fits = kind === "" || (kind === "disabled" ? item.disabled : item.role === kind);
    return fits && super.isShown(item, wanted);
  }

  fill(row, user) {
    const [joined, seen] = row.querySelectorAll("time");
    row.querySelector(".cell-title").textContent = user.display;
    row.querySelector(".cell-name").textContent = `@${user.name}`;
    row.querySelector(".tag").textContent = rights(user);
    row.querySelector(".tag").dataset.kind = user.disabled ? "closed" : user.role;
    row.querySelector("[data-opens]").setAttribute("aria-label", _("Manage %(name)s", { name: labelled(user) }));
    this.moment(joined, user.created_at);
    this.moment(seen, user.last_seen_at);
    if (user.online) seen.textContent = _("now");
  }

  opened(_name, user) {
    const isSelf = user.name === me.name;
    const show = (part, text) => {
      this.#dialog.querySelector(part).textContent = text;
    };
    show("h2", user.display);
    this.#picture.dataset.url = `${addressOf(user)}/picture`;
    this.#picture.show({ ...user, picture: user.picture ?? "" });
    this.#picture.hidden = !user.picture;
    this.#dialog.querySelector("[name=display]").value = user.display;
    show(".user-admin", user.role === "admin" ? _("Remove administrator rights") : _("Make administrator"));
    show(".user-disable", user.disabled ? _("Reactivate the account") : _("Disable the account"));
    this.#dialog.querySelector(".user-disable").classList.toggle("button-danger", !user.disabled);
    this.#dialog.querySelector(".user-self").hidden = !isSelf;
    for (const button of [".user-reset", ".user-disable"]) this.#dialog.querySelector(button).hidden = isSelf;
  }

  #change(user, fields) {
    return sessionRequest("PATCH", addressOf(user), fields);
  }

  async #rename(user, field) {
    const display = field.value;
    if (display === user.display) return;
    if (!(await this.changed(() => this.#change(user, { display })))) return;
    if (field.value === display) field.value = this.open.display; // as the server stores it
    this.showToast(_("Saved"));
  }

  #admin(user) {
    const admin = user.role !== "admin";
    const question = {
      question: admin ? _("Make %(name)s an administrator?", { name: labelled(user) }) : _("Are you sure?"),
      text: admin
        ? _("Administrators manage people, rooms, bots and invitations.")
        : _("%(name)s will be an ordinary member.", { name: labelled(user) }),
      yes: admin ? _("Make administrator") : _("Remove rights"),
    };
    return this.confirmed(question, () => this.#change(user, { admin }));
  }

  #reset(user) {
    const question = {
      question: _("Reset the password of %(name)s?", { name: labelled(user) }),
      text: _("The old password stops working, and all devices of this user are logged out."),
      yes: _("Reset the password"),
    };
    return this.confirmed(question, async () => {
      const { password } = await sessionRequest("POST", `${addressOf(user)}/password`);
      const result = this.#dialog.querySelector(".admin-made");
      result.hidden = false;
      result.querySelector("copy-field").value = password;
      result.querySelector("button").focus();
    });
  }

  #disable(user) {
    if (user.disabled) return this.changed(() => this.#change(user, { disabled: false }));
    const question = {
      question: _("Disable the account of %(name)s?", { name: labelled(user) }),
      text: _("All devices of this user are logged out at once. Messages stay."),
      yes: _("Disable the account"),
    };
    return this.confirmed(question, () => this.#change(user, { disabled: true }));
  }
}

const addressOf = ({ name }) => `${urls.users}/${encodeURIComponent(name)}`;

function rights({ role, disabled }) {
  if (disabled) return _("Disabled");
  return role === "admin" ? _("Administrator") : _("Member");
}

customElements.define("admin-users", AdminUsers);
