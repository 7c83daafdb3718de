/**
 * <password-field>: shows the password on request and, with a <meter>, how long it is and whether it is easy to guess.
 * The fields `username` and `display` of its form, else the user of the page, name what must not be the password.
 */

import { _, ngettext } from "../lib/i18n.js";
import { me } from "../ui/page.js";
import { loadPasswordRule } from "../ui/password-rule.js";
import { MINIMUM, RECOMMENDED, strength } from "../lib/strength.js";

class PasswordField extends HTMLElement {
  #input = this.querySelector("input");
  #button = this.querySelector("button");
  #meter = this.querySelector("meter");
  #words = this.querySelector(".field-hint");
  #rule = null;

  connectedCallback() {
    this.#button.hidden = false;
    this.#button.addEventListener("click", () => this.#toggle());
    if (!this.#meter) return;
    this.#input.form.addEventListener("input", () => this.#measure());
    this.#input.addEventListener("input", () => this.#judge());
    this.#input.form.addEventListener("reset", () => setTimeout(() => this.#measure())); // empty by then
    this.#measure();
  }

  #toggle() {
    const shown = this.#input.type === "password";
    this.#input.type = shown ? "text" : "password";
    this.#button.setAttribute("aria-pressed", String(shown));
    this.#input.focus();
  }

  async #judge() {
    this.#rule = await loadPasswordRule();
    this.#measure();
  }

  get #names() {
    const { username, display } = this.#input.form.elements;
    return username ? [username.value, display?.value ?? ""] : [me.name, me.display];
  }

  #measure() {
    const { length, verdict } = strength(this.#input.value, { rule: this.#rule, names: this.#names });
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
    if (verdict === "guessable") return _("This is easy to guess. Three random words make a good password.");
    if (verdict === "fair") {
      const n = RECOMMENDED - length;
      return ngettext("Acceptable. %(num)s more character would make it stronger.", "Acceptable. %(num)s more characters would make it stronger.", n);
    }
    return _("Good.");
  }
}

customElements.define("password-field", PasswordField);
