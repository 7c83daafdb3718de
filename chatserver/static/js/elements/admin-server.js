/** <admin-server>: sets the name and the logo of the server. The page is loaded again after a change, because it shows both. */

import { attemptOnce, sessionRequest } from "../net/api.js";
import { _ } from "../lib/i18n.js";
import { serverName } from "../ui/page.js";

const FOCUSED = { name: "#server-name", logo: "button" }; // after a change

class AdminServer extends HTMLElement {
  #form = this.querySelector("form");
  #problem = this.querySelector(".admin-problem");

  connectedCallback() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      attemptOnce(this.#problem, () => this.#rename(this.#form.elements.name.value));
    });
    this.addEventListener("picture:changed", () => reload("logo"));
    this.#restoreFocus();
    customElements.whenDefined("profile-picture").then(() => this.#showLogo());
  }

  #restoreFocus() {
    const changed = history.state?.changed;
    if (!changed) return;
    history.replaceState(null, "");
    this.querySelector(FOCUSED[changed]).focus();
  }

  #showLogo() {
    this.querySelector("profile-picture").show({ name: serverName(), display: serverName(), picture: this.dataset.logo });
    this.dataset.state = "loaded";
  }

  async #rename(name) {
    await sessionRequest("PATCH", this.dataset.url, { name });
    reload("name");
  }
}

function reload(changed) {
  history.replaceState({ changed }, "");
  document.querySelector("toast-line").showAfterReload(_("Saved"));
  location.reload();
}

customElements.define("admin-server", AdminServer);
