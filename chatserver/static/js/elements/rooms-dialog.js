/**
 * <rooms-dialog>: joins public rooms, lists archived rooms, and creates rooms and conversations without a name. Opened by
 * [data-open="rooms"].
 *
 * Dispatches `room:joined` {state, go}; `go`: the dialog was still open.
 */

import { attempt, attemptOnce, sessionRequest } from "../net/api.js";
import { markUnchanged, requestClose, setUpDialog } from "../ui/dialogs.js";
import { emit, reconcile } from "../ui/dom.js";
import { byDisplay, FILTER_THRESHOLD, filtered, query } from "../lib/user-filter.js";
import { _, ngettext } from "../lib/i18n.js";
import { newId } from "../lib/ids.js";
import { foldName } from "../lib/mentions.js";
import { hideProblem } from "../ui/form-problem.js";
import { directKey, hashOf, roomKey } from "../lib/route.js";
import { goTo } from "../ui/layers.js";
import { clone, lang, urls } from "../ui/page.js";
import { listRooms } from "../net/room-lists.js";

class RoomsDialog extends HTMLElement {
  /** () → [{name, display}] of users who can be added. */
  candidates = () => [];

  /** (prefix) → promise of whether more candidates were loaded. */
  loadMore = async () => false;

  #modal = setUpDialog(this, { name: "rooms", opened: () => this.#opened() });
  #form = this.querySelector("form");
  #submit = this.#form.querySelector("[type=submit]");
  #filter = this.#form.querySelector(".user-filter");
  #roomFilter = this.querySelector(".rooms-filter");
  #choices = this.querySelector(".choice-list");
  #problem = this.querySelector(".rooms-problem");
  #formProblem = this.#form.querySelector(".form-problem"); // of the form

  connectedCallback() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      attemptOnce(this.#formProblem, () => this.#create());
    });
    this.#form.addEventListener("input", () => this.#showKind());
    this.#choices.addEventListener("change", () => this.#showSelected());
    this.#roomFilter.addEventListener("input", () => this.#filterRooms());
    this.#filter.addEventListener("input", () => this.#filterChanged());
    this.#filter.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault()); // does not submit the form
  }

  #opened() {
    this.#form.reset();
    this.#roomFilter.value = "";
    hideProblem(this.#formProblem);
    this.#filterCandidates();
    attempt(this.#problem, () => this.#load());
  }

  /** Show users who match the filter, and those who are selected. */
  #filterCandidates() {
    const users = this.candidates();
    reconcile(this.#choices, byDisplay(users), {
      key: ({ name }) => name,
      make: ({ name }) => checkbox(name),
      update: (item, { name, display }) => describe(item, display, name),
    });
    const fits = new Set(filtered(users, this.#filter.value).map(({ name }) => name));
    for (const row of this.#choices.children) {
      row.hidden = !fits.has(row.dataset.key) && !row.querySelector("input").checked;
    }
    this.querySelector(".choice-field").hidden = users.length === 0;
    this.#filter.hidden = users.length <= FILTER_THRESHOLD;
    this.querySelector(".users-none").hidden = fits.size > 0;
    this.#showSelected();
  }

  /** Name the selected users, who may be far apart in the list. */
  #showSelected() {
    const selected = [...this.#choices.querySelectorAll(":checked")].map((box) => box.closest(".check").querySelector(".choice-name").textContent);
    const names = new Intl.ListFormat(lang, { style: "narrow" }).format(selected);
    const text = this.querySelector(".users-selected");
    text.hidden = selected.length === 0;
    text.textContent = ngettext("%(num)s selected: %(names)s", "%(num)s selected: %(names)s", selected.length, { names });
    this.#showKind();
  }

  /** Without a name, title and "Private", selected users get a conversation. A room needs a name. */
  #showKind() {
    const form = new FormData(this.#form);
    const { name } = this.#form.elements;
    name.required = !form.has("user") || form.has("private") || form.get("title").trim() !== "";
    this.#submit.textContent = name.required || name.value.trim() ? _("Create room") : _("Start conversation");
  }

  #filterChanged() {
    this.#filterCandidates();
    this.loadMore(query(this.#filter.value)).then((more) => more && this.#filterCandidates());
  }

  async #load() {
    const { own, open } = await listRooms();
    this.#listArchived(own.filter(({ archived }) => archived));
    const known = new Set(own.map(({ room }) => room));
    const others = open.filter(({ room }) => !known.has(room));
    this.querySelector(".rooms-none").hidden = others.length > 0;
    reconcile(this.querySelector(".rooms-open"), others, {
      key: ({ room }) => String(room),
      make: ({ room }) => this.#row(room),
      update: (row, { name, title, topic, members }) => {
        row.dataset.terms = foldName([name, title, topic].join(" "));
        const count = ngettext("%(num)s member", "%(num)s members", members);
        row.querySelector(".room-title").textContent = title || name;
        row.querySelector(".room-details").textContent = [count, topic].filter(Boolean).join(" · ");
        row.querySelector("button").setAttribute("aria-label", _("Join %(name)s", { name: title || name }));
      },
    });
    this.#filterRooms();
  }

  /** Show the rooms whose name, title or topic match the filter, which is shown for long lists only. */
  #filterRooms() {
    const rows = [...this.querySelector(".rooms-open").children];
    const typed = foldName(this.#roomFilter.value.trim());
    for (const row of rows) row.hidden = !row.dataset.terms.includes(typed);
    this.#roomFilter.hidden = rows.length <= FILTER_THRESHOLD;
    this.querySelector(".rooms-unmatched").hidden = rows.length === 0 || rows.some((row) => !row.hidden);
  }

  #listArchived(rooms) {
    this.querySelector(".rooms-closed").hidden = rooms.length === 0;
    reconcile(this.querySelector(".rooms-archived"), rooms, {
      key: ({ room }) => String(room),
      make: ({ room }) => this.#archivedRow(room),
      update: (row, { name, title }) => (row.querySelector(".room-title").textContent = title || name),
    });
  }

  #archivedRow(room) {
    const row = clone("archived-room");
    row.querySelector("a").href = hashOf(roomKey(room));
    row.addEventListener("click", () => this.#modal.dialog.close());
    return row;
  }

  #row(room) {
    const row = clone("open-room");
    row.querySelector("button").addEventListener("click", () => attemptOnce(this.#problem, () => this.#join(room)));
    return row;
  }

  async #join(room) {
    this.#joined(await sessionRequest("POST", `${urls.rooms}/${room}/members`, { id: newId() }));
  }

  async #create() {
    const form = new FormData(this.#form);
    const users = form.getAll("user");
    const written = form.get("name").trim();
    if (!written && users.length === 1) return this.#openDirect(users[0]);
    const name = written.replaceAll(/\s+/g, "-"); // names have no spaces; titles may
    const title = form.get("title").trim() || (name === written ? "" : written);
    const created = await sessionRequest("POST", urls.rooms, {
      id: newId(),
      ...(name && { name, private: form.has("private") }),
      ...(title && { title }),
      ...(users.length > 0 && { users }),
    });
    markUnchanged(this.#modal.dialog);
    this.#joined(created);
  }

  /** Without a name and with one other user, it is the direct conversation. */
  #openDirect(user) {
    markUnchanged(this.#modal.dialog);
    this.#modal.dialog.close();
    goTo(hashOf(directKey(user)));
  }

  #joined({ state }) {
    const go = this.#modal.dialog.open;
    requestClose(this.#modal.dialog);
    if (state) emit(this, "room:joined", { state, go });
  }
}

function checkbox(name) {
  const item = clone("user-choice");
  item.querySelector("input").value = name;
  return item;
}

function describe(item, display, name) {
  item.querySelector(".choice-name").textContent = display;
  item.querySelector(".choice-more").textContent = `@${name}`;
}

customElements.define("rooms-dialog", RoomsDialog);
