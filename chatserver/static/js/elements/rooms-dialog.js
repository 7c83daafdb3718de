/**
 * <rooms-dialog>: public rooms with their topics, which can be searched and joined, and archived rooms. Opened by
 * [data-open="rooms"].
 *
 * Dispatches `room:joined` {state, go}; `go`: the dialog was still open.
 */

import { attempt, attemptOnce, sessionRequest } from "../net/api.js";
import { setUpDialog } from "../ui/dialogs.js";
import { emit, reconcile } from "../ui/dom.js";
import { _, ngettext } from "../lib/i18n.js";
import { newId } from "../lib/ids.js";
import { fits } from "../lib/matching.js";
import { hashOf, roomKey } from "../lib/route.js";
import { query } from "../lib/user-filter.js";
import { clone, urls } from "../ui/page.js";
import { listRooms } from "../net/room-lists.js";
import { loadPinyin } from "../ui/pinyin.js";

class RoomsDialog extends HTMLElement {
  #modal = setUpDialog(this, { name: "rooms", opened: () => this.#opened() });
  #filter = this.querySelector(".rooms-filter");
  #list = this.querySelector(".rooms-open");
  #problem = this.querySelector(".rooms-problem");
  #rooms = []; // public rooms of which the user is no member

  connectedCallback() {
    this.#filter.addEventListener("input", () => this.#filterChanged());
    this.querySelector("[data-open=new-room]").addEventListener("click", () => this.#modal.dialog.close());
  }

  #opened() {
    this.#filter.value = "";
    this.#filter.focus();
    attempt(this.#problem, () => this.#load());
  }

  async #load() {
    const { own, open } = await listRooms();
    this.#listArchived(own.filter(({ archived }) => archived));
    const known = new Set(own.map(({ room }) => room));
    this.#rooms = open.filter(({ room }) => !known.has(room));
    this.querySelector(".rooms-none").hidden = this.#rooms.length > 0;
    this.#show();
  }

  #filterChanged() {
    this.#show();
    const titles = this.#rooms.map(({ title, name }) => ({ display: title || name }));
    loadPinyin(this.#query, titles).then((loaded) => loaded && this.#show());
  }

  get #query() {
    return query(this.#filter.value).replace(/^#/, "");
  }

  /** Show the rooms whose name, title or topic match the filter. */
  #show() {
    const typed = this.#query;
    const isFound = ({ name, title, topic }) => fits({ name, display: title || name }, typed) || topic.toLowerCase().includes(typed);
    const found = this.#rooms.filter(isFound);
    reconcile(this.#list, found, {
      key: ({ room }) => String(room),
      make: ({ room }) => this.#row(room),
      update: (row, { name, title, topic, members }) => {
        row.querySelector(".room-title").textContent = title || name;
        row.querySelector(".room-details").textContent = ngettext("%(num)s member", "%(num)s members", members);
        row.querySelector(".room-topic").textContent = topic;
        row.querySelector("button").setAttribute("aria-label", _("Join %(name)s", { name: title || name }));
      },
    });
    this.querySelector(".rooms-unmatched").hidden = this.#rooms.length === 0 || found.length > 0;
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
    const { state } = await sessionRequest("POST", `${urls.rooms}/${room}/members`, { id: newId() });
    const go = this.#modal.dialog.open;
    this.#modal.dialog.close();
    if (state) emit(this, "room:joined", { state, go });
  }
}

customElements.define("rooms-dialog", RoomsDialog);
