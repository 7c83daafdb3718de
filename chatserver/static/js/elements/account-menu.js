/**
 * <account-menu>: menu with settings and logout; a choice closes it.
 *
 * Dispatches `session:logout`.
 */

import { emit } from "../ui/dom.js";

class AccountMenu extends HTMLElement {
  #popover = this.querySelector("[popover]");

  connectedCallback() {
    this.#popover.addEventListener("click", ({ target }) => {
      if (target.closest("button, a")) this.#popover.hidePopover();
    });
    this.querySelector(".menu-logout").addEventListener("click", () => emit(this, "session:logout"));
  }
}

customElements.define("account-menu", AccountMenu);
