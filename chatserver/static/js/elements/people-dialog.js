/**
 * <people-dialog>: chooses users for a new conversation without a name, opened by [data-open="conversation"], or for
 * adding them to a room, opened by `add`.
 *
 * Dispatches `room:joined` {state, go}; `go`: the dialog was still open.
 */

import { attemptOnce, sessionRequest } from "../net/api.js";
import { markUnchanged, requestClose, setUpDialog } from "../ui/dialogs.js";
import { emit } from "../ui/dom.js";
import { hideProblem } from "../ui/form-problem.js";
import { _ } from "../lib/i18n.js";
import { newId } from "../lib/ids.js";
import { goTo } from "../ui/layers.js";
import { directKey, hashOf } from "../lib/route.js";
import { urls } from "../ui/page.js";

class PeopleDialog extends HTMLElement {
  /** () → [{name, display, picture?}] of users for a new conversation. */
  candidates = () => [];

  #modal = setUpDialog(this, { name: "conversation", opened: (opener) => this.#opened(opener) });
  #form = this.querySelector("form");
  #picker = this.querySelector("people-picker");
  #problem = this.querySelector(".form-problem");
  #submit = this.querySelector("[type=submit]");
  #perform = null; // (names) → promise

  connectedCallback() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      attemptOnce(this.#problem, () => this.#submitted());
    });
    this.addEventListener("choice:changed", () => (this.#submit.disabled = this.#picker.chosen.length === 0));
  }

  /** Choose among `candidates()` whom to add to a room of that title; `perform(names)` adds them. */
  add({ title, candidates, perform }) {
    this.#perform = perform;
    this.#picker.candidates = candidates;
    this.#label(_("Add people to %(name)s", { name: title }), _("Add"));
    this.#modal.toggle();
  }

  /** Without an opener `add` has prepared the dialog. */
  #opened(opener) {
    if (opener) this.#startConversation();
    hideProblem(this.#problem);
    this.#picker.reset();
  }

  #startConversation() {
    this.#perform = (users) => this.#create(users);
    this.#picker.candidates = () => this.candidates();
    this.#label(_("New conversation"), _("Start conversation"));
  }

  #label(title, action) {
    this.querySelector("h2").textContent = title;
    this.#submit.textContent = action;
  }

  async #submitted() {
    await this.#perform(this.#picker.chosen);
    markUnchanged(this.#modal.dialog);
    requestClose(this.#modal.dialog);
  }

  /** With one other user, it is the direct conversation. */
  async #create(users) {
    if (users.length === 1) return goTo(hashOf(directKey(users[0])));
    const { state } = await sessionRequest("POST", urls.rooms, { id: newId(), users });
    return state && emit(this, "room:joined", { state, go: this.#modal.dialog.open });
  }
}

customElements.define("people-dialog", PeopleDialog);
