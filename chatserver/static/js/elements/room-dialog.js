/**
 * <room-dialog>: what the administrators of the open room can set of it. Opened by [data-open="room"]. The
 * page tells it by `show` which room is open.
 */

import { ask, attempt } from "../api.js";
import { wire } from "../dialogs.js";
import { _ } from "../lib/i18n.js";
import { newId } from "../lib/ids.js";
import { urls } from "../page.js";
import { LOBBY } from "../protocol.js";

class RoomDialog extends HTMLElement {
  #wired = wire(this, { name: "room", opened: () => this.#opened() });
  #settings = this.querySelector(".room-settings");
  #problem = this.querySelector(".form-problem");
  #try = (work) => attempt(this.#problem, work);
  #room = null; // {room, title, topic, receipts, archived}
  #title = "";

  connectedCallback() {
    this.#settings.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#try(() => this.#save());
    });
    this.querySelector(".room-archive").addEventListener("click", () => this.#try(() => this.#archive()));
  }

  /** `title`: the name of the room as it is shown. */
  show(room, { title }) {
    this.#room = room;
    this.#title = title;
  }

  #opened() {
    const { room, topic, receipts, archived } = this.#room;
    const { elements } = this.#settings;
    this.#problem.hidden = true;
    this.querySelector("h2").textContent = _("Settings of %(name)s", { name: this.#title });
    elements.title.value = this.#room.title;
    elements.topic.value = topic;
    elements.receipts.checked = receipts;
    const archive = this.querySelector(".room-archive");
    archive.hidden = room === LOBBY;
    archive.textContent = archived ? _("Open the room again") : _("Archive the room");
  }

  async #save() {
    const { title, topic, receipts } = this.#settings.elements;
    const wanted = { title: title.value.trim(), topic: topic.value.trim(), receipts: receipts.checked };
    const changed = Object.entries(wanted).filter(([name, value]) => value !== this.#room[name]);
    if (changed.length > 0) await this.#change(Object.fromEntries(changed));
    this.#wired.dialog.close();
  }

  async #archive() {
    await this.#change({ archived: !this.#room.archived });
    this.#wired.dialog.close();
  }

  #change(values) {
    return ask("PATCH", `${urls.rooms}/${this.#room.room}`, { id: newId(), ...values });
  }
}

customElements.define("room-dialog", RoomDialog);
