/** <password-form>: changes the user's password, which logs out other devices. */

import { sessionRequest } from "../net/api.js";
import { hideProblem, showProblem } from "../ui/form-problem.js";
import { urls } from "../ui/page.js";

class PasswordForm extends HTMLElement {
  #form = this.querySelector("form");
  #problem = this.querySelector(".form-problem");
  #done = this.querySelector(".password-done");

  connectedCallback() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#change();
    });
  }

  async #change() {
    const button = this.#form.querySelector("[type=submit]");
    hideProblem(this.#problem);
    this.#done.hidden = true;
    button.disabled = true; // hashing takes a while
    try {
      await sessionRequest("PUT", urls.password, Object.fromEntries(new FormData(this.#form)));
      this.#form.reset();
      this.#done.hidden = false;
      this.closest("dialog").querySelector("session-list").opened();
    } catch (error) {
      showProblem(this.#problem, error);
    }
    button.disabled = false;
  }
}

customElements.define("password-form", PasswordForm);
