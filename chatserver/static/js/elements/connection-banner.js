/**
 * <connection-banner>: says that the line is broken, when it stays so for two seconds, or that it is over.
 *
 * Sends `connection:hurry`.
 */

import { say } from "../dom.js";
import { _ } from "../lib/i18n.js";
import { CloseCode } from "../protocol.js";

const PATIENCE = 2_000; // milliseconds

class ConnectionBanner extends HTMLElement {
  #text = this.querySelector(".banner-text");
  #button = this.querySelector(".banner-hurry");
  #login = this.querySelector(".banner-login");
  #timer = 0;

  connectedCallback() {
    this.#button.addEventListener("click", () => say(this, "connection:hurry"));
  }

  show({ state, code }) {
    if (state === "online") this.#hide();
    else if (state === "ended") this.#end(code);
    else if (!this.#timer) this.#timer = setTimeout(() => this.#reveal(), PATIENCE);
  }

  #hide() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.dataset.state = "hidden";
    this.#text.textContent = "";
  }

  #reveal() {
    this.dataset.state = "waiting";
    this.#text.textContent = _("Reconnecting…");
  }

  #end(code) {
    clearTimeout(this.#timer);
    if (code === CloseCode.SESSION_INVALID || code === undefined) return;
    this.dataset.state = "ended";
    this.#button.hidden = true;
    this.#login.hidden = code !== CloseCode.REMOVED;
    this.#login.hash = location.hash;
    this.#text.textContent =
      code === CloseCode.REMOVED
        ? _("You no longer have access to this chat.")
        : _("The server has closed this connection because it received too much. Reload the page to come back.");
  }
}

customElements.define("connection-banner", ConnectionBanner);
