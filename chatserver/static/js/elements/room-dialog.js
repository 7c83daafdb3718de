/**
 * <room-dialog>: settings of a room for its administrators. Opened by [data-open="room"] for the open room, which the page
 * passes to `show`; it stays bound to that room, whatever is opened later.
 */

import { attemptOnce, sessionRequest } from "../net/api.js";
import { setUpDialog } from "../ui/dialogs.js";
import { archiveQuestion } from "../lib/archive-question.js";
import { changedFields } from "../lib/changed-fields.js";
import { _ } from "../lib/i18n.js";
import { newId } from "../lib/ids.js";
import { urls } from "../ui/page.js";
import { hideProblem } from "../ui/form-problem.js";
import { LOBBY } from "../net/protocol.js";

class RoomDialog extends HTMLElement {
  #modal = setUpDialog(this, { name: "room", opened: () => this.#opened() });
  #settings = this.querySelector(".room-settings");
  #problem = this.querySelector(".form-problem");
  #try = (work) => attemptOnce(this.#problem, work);
  #openRoom = null; // {room, title, topic, receipts, archived, name} of the open room; `name`: its shown name
  #target = null; // the same of the dialog's room, as it was when the dialog was opened

  connectedCallback() {
    this.#settings.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#try(() => this.#save());
    });
    this.querySelector(".room-archive").addEventListener("click", () => this.#try(() => this.#archive()));
  }

  /** `title`: the shown name of the room. */
  show({ room, title, topic, receipts, archived }, { title: name }) {
    this.#openRoom = { room, title, topic, receipts, archived, name };
  }

  #opened() {
    this.#target = this.#openRoom;
    const { room, name, title, topic, receipts, archived } = this.#target;
    const { elements } = this.#settings;
    hideProblem(this.#problem);
    this.querySelector("h2").textContent = _("Settings for %(name)s", { name });
    elements.title.value = title;
    elements.topic.value = topic;
    elements.receipts.checked = receipts;
    const archive = this.querySelector(".room-archive");
    archive.hidden = room === LOBBY;
    archive.textContent = archived ? _("Reopen the room") : _("Archive the room");
  }

  async #save() {
    const { title, topic, receipts } = this.#settings.elements;
    const wanted = { title: title.value.trim(), topic: topic.value.trim(), receipts: receipts.checked };
    const changed = changedFields(this.#target, wanted);
    if (changed) await this.#change(changed);
    this.#modal.dialog.close();
  }

  /** Archive or reopen, as the label of the button says, also if it is pressed twice. */
  async #archive() {
    const { archived, name } = this.#target;
    if (!archived && !(await document.querySelector("confirm-dialog").ask(archiveQuestion(name)))) return;
    await this.#change({ archived: !archived });
    this.#modal.dialog.close();
  }

  #change(values) {
    return sessionRequest("PATCH", `${urls.rooms}/${this.#target.room}`, { id: newId(), ...values });
  }
}

customElements.define("room-dialog", RoomDialog);
