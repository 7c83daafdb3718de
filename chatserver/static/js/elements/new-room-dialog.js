/**
 * <new-room-dialog>: creates a room with a name. Opened by [data-open="new-room"].
 *
 * Dispatches `room:joined` {state, go}; `go`: the dialog was still open.
 */

import { attemptOnce, sessionRequest } from "../net/api.js";
import { markUnchanged, requestClose, setUpDialog } from "../ui/dialogs.js";
import { emit } from "../ui/dom.js";
import { hideProblem } from "../ui/form-problem.js";
import { newId } from "../lib/ids.js";
import { urls } from "../ui/page.js";

class NewRoomDialog extends HTMLElement {
  #modal = setUpDialog(this, { name: "new-room", opened: () => this.#opened() });
  #form = this.querySelector("form");
  #problem = this.querySelector(".form-problem");

  connectedCallback() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      attemptOnce(this.#problem, () => this.#create());
    });
  }

  #opened() {
    this.#form.reset();
    hideProblem(this.#problem);
    this.querySelector("people-picker").reset();
  }

  async #create() {
    const form = new FormData(this.#form);
    const written = form.get("name").trim();
    const name = written.replaceAll(/\s+/g, "-"); // names have no spaces; titles may
    const title = form.get("title").trim() || (name === written ? "" : written);
    const topic = form.get("topic").trim();
    const users = form.getAll("user");
    const { state } = await sessionRequest("POST", urls.rooms, {
      id: newId(),
      name,
      private: form.has("private"),
      ...(title && { title }),
      ...(topic && { topic }),
      ...(users.length > 0 && { users }),
    });
    markUnchanged(this.#modal.dialog);
    const go = this.#modal.dialog.open;
    requestClose(this.#modal.dialog);
    if (state) emit(this, "room:joined", { state, go });
  }
}

customElements.define("new-room-dialog", NewRoomDialog);
