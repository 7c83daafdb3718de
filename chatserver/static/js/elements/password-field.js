/**
 * <password-field>: a button that shows the password and, with a <meter>, a rating of it.
 * The password must not be a name: the fields `username` and `display` of its form, or the names of the page's user.
 */

import { _, ngettext } from "../lib/i18n.js";
import { me } from "../ui/page.js";
import { loadPasswordRule } from "../ui/password-rule.js";
import { MIN_LENGTH, RECOMMENDED_LENGTH, strength } from "../lib/strength.js";

class PasswordField extends HTMLElement {
  #input = this.querySelector("input");
  #button = this.querySelector("button");
  #meter = this.querySelector("meter");
  #hint = this.querySelector(".field-hint");
  #rule = null;

  connectedCallback() {
    this.#button.hidden = false;
    this.#button.addEventListener("click", () => this.#toggle());
    if (!this.#meter) return;
    this.#input.form.addEventListener("input", () => this.#rate());
    this.#input.addEventListener("input", () => this.#loadRule());
    this.#input.form.addEventListener("reset", () => setTimeout(() => this.#rate())); // after the fields are reset
    this.#rate();
  }

  #toggle() {
    const shown = this.#input.type === "password";
    this.#input.type = shown ? "text" : "password";
    this.#button.setAttribute("aria-pressed", String(shown));
    this.#input.focus();
  }

  async #loadRule() {
    this.#rule = await loadPasswordRule();
    this.#rate();
  }

  get #names() {
    const { username, display } = this.#input.form.elements;
    return username ? [username.value, display?.value ?? ""] : [me.name, me.display];
  }

  #rate() {
    const { length, verdict } = strength(this.#input.value, { rule: this.#rule, names: this.#names });
    this.#meter.value = length;
    this.dataset.verdict = verdict;
    this.#hint.textContent = this.#advice(verdict, length);
  }

  #advice(verdict, length) {
    if (verdict === "empty") {
      return _("At least %(minimum)s characters; a sentence of %(recommended)s or more is better.", {
        minimum: MIN_LENGTH,
        recommended: RECOMMENDED_LENGTH,
      });
    }
    if (verdict === "short") {
      const n = MIN_LENGTH - length;
      return ngettext("%(num)s more character is needed.", "%(num)s more characters are needed.", n);
    }
    if (verdict === "guessable") return _("This is easy to guess. Three random words make a good password.");
    if (verdict === "fair") {
      const n = RECOMMENDED_LENGTH - length;
      return ngettext("Acceptable. %(num)s more character would make it stronger.", "Acceptable. %(num)s more characters would make it stronger.", n);
    }
    return _("Good.");
  }
}

customElements.define("password-field", PasswordField);
