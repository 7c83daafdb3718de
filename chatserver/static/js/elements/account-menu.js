/**
 * <account-menu>: theme, language, log out.
 *
 * Sends `session:leave` when the user logs out.
 */

import { ask } from "../api.js";
import { say } from "../dom.js";
import { urls } from "../page.js";

const THEME = "chat:theme"; // read by theme.js before the first paint

class AccountMenu extends HTMLElement {
  #problem = this.querySelector(".form-problem");

  connectedCallback() {
    this.#showTheme();
    this.addEventListener("change", ({ target }) => {
      if (target.name === "theme") this.#setTheme(target.value);
      if (target.name === "locale") this.#setLocale(target.value);
    });
    this.querySelector(".menu-leave").addEventListener("click", () => say(this, "session:leave"));
  }

  #showTheme() {
    const theme = document.documentElement.dataset.theme ?? "auto";
    this.querySelector(`[name=theme][value=${theme}]`).checked = true;
  }

  #setTheme(theme) {
    const { dataset } = document.documentElement;
    if (theme === "auto") delete dataset.theme;
    else dataset.theme = theme;
    try {
      localStorage.setItem(THEME, theme);
    } catch {
      // Then until the page is loaded again.
    }
  }

  async #setLocale(locale) {
    try {
      await ask("PATCH", urls.me, { locale });
      location.reload();
    } catch (error) {
      this.#problem.hidden = false;
      this.#problem.textContent = error.message;
    }
  }
}

customElements.define("account-menu", AccountMenu);
