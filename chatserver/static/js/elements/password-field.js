/** <password-field>: shows the password on request and, with a <meter>, how long it is. */

import { _, ngettext } from "../lib/i18n.js";
import { MINIMUM, RECOMMENDED, strength } from "../lib/strength.js";

class PasswordField extends HTMLElement {
  #input = this.querySelector("input");
  #button = this.querySelector("button");
  #meter = this.querySelector("meter");
  #words = this.querySelector(".field-hint");

  connectedCallback() {
    this.#button.hidden = false;
    this.#button.addEventListener("click", () => this.#toggle());
    if (!this.#meter) return;
    this.#input.addEventListener("input", () => this.#measure());
    this.#input.form.addEventListener("reset", () => setTimeout(() => this.#measure())); // empty by then
    this.#measure();
  }

  #toggle() {
    const shown = this.#input.type === "password";
    this.#input.type = shown ? "text" : "password";
    this.#button.setAttribute("aria-pressed", String(shown));
    this.#input.focus();
  }

  #measure() {
    const { length, verdict } = strength(this.#input.value);
    this.#meter.value = length;
    this.dataset.verdict = verdict;
    this.#words.textContent = this.#advice(verdict, length);
  }

  #advice(verdict, length) {
    if (verdict === "empty") {
      return _("At least %(minimum)s characters; a sentence of %(recommended)s or more is better.", {
        minimum: MINIMUM,
        recommended: RECOMMENDED,
      });
    }
    if (verdict === "short") {
      const n = MINIMUM - length;
      return ngettext("%(num)s more character is needed.", "%(num)s more characters are needed.", n);
    }
    if (verdict === "fair") {
      const n = RECOMMENDED - length;
      return ngettext("Fine. %(num)s more character makes it good.", "Fine. %(num)s more characters make it good.", n);
    }
    return _("Good.");
  }
}

customElements.define("password-field", PasswordField);
