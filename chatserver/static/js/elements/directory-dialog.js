/** <directory-dialog>: all users with their status; a choice opens the conversation. Opened by [data-open="people"]. */

import { showAvatar } from "../ui/avatar.js";
import { setUpDialog } from "../ui/dialogs.js";
import { reconcile } from "../ui/dom.js";
import { _, ngettext } from "../lib/i18n.js";
import { directKey, hashOf } from "../lib/route.js";
import { filtered, query } from "../lib/user-filter.js";
import { clone } from "../ui/page.js";

const MAX_ROWS = 200; // more are found by typing

class DirectoryDialog extends HTMLElement {
  /** () → [{name, display, title, picture, online, bot}], the first ones first. */
  candidates = () => [];

  /** (query) → promise of whether more may match. */
  loadMore = async () => false;

  #modal = setUpDialog(this, { name: "people", opened: () => this.#opened() });
  #box = this.querySelector("input");
  #list = this.querySelector(".directory-list");

  connectedCallback() {
    this.#box.addEventListener("input", () => this.#search());
    this.#box.addEventListener("keydown", (event) => this.#pressed(event));
    this.#list.addEventListener("click", ({ target }) => target.closest("a") && this.#modal.dialog.close());
  }

  #opened() {
    this.#box.value = "";
    this.#search();
    this.#list.scrollTop = 0;
    this.#box.focus();
  }

  #search() {
    const typed = query(this.#box.value);
    this.#show(typed);
    this.loadMore(typed).then((more) => more && typed === query(this.#box.value) && this.#show(typed));
  }

  #show(typed) {
    const users = this.candidates();
    const found = typed ? filtered(users, typed) : users;
    reconcile(this.#list, found.slice(0, MAX_ROWS), { key: ({ name }) => name, make, update: describe });
    const online = found.filter((one) => one.online).length;
    const count = ngettext("%(num)s person", "%(num)s people", found.length);
    this.querySelector(".directory-count").textContent =
      found.length === 0 ? _("No matching users.") : `${count} · ${_("%(num)s online", { num: online })}`;
    this.querySelector(".directory-more").hidden = found.length <= MAX_ROWS;
  }

  #pressed(event) {
    const first = this.#list.querySelector("a");
    if (event.isComposing || !first) return;
    if (event.key === "Enter") first.click();
    else if (event.key === "ArrowDown") first.focus();
    else return;
    event.preventDefault();
  }
}

function make({ name }) {
  const row = clone("person");
  row.querySelector("a").href = hashOf(directKey(name));
  return row;
}

function describe(row, { name, display, title, picture, online, bot }) {
  showAvatar(row.querySelector(".avatar"), { name, display, picture });
  row.dataset.online = String(online);
  row.querySelector(".row-name").textContent = title;
  row.querySelector(".person-user").textContent = `@${name}`;
  row.querySelector(".bot-label").textContent = bot ? _("Bot") : "";
  row.querySelector(".person-status").textContent = online ? _("online") : _("offline");
}

customElements.define("directory-dialog", DirectoryDialog);
