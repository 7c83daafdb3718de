/**
 * <connection-banner>: reports that the connection is lost for more than two seconds, that the user has too many
 * windows, was logged out, or cannot reconnect.
 *
 * Dispatches `connection:retry`.
 */

import { emit } from "../ui/dom.js";
import { _ } from "../lib/i18n.js";
import { CloseCode } from "../net/protocol.js";

const DELAY = 2_000; // milliseconds
const TOO_MANY = "too many sockets"; // start of the close reason above the limit of sockets per user

class ConnectionBanner extends HTMLElement {
  #text = this.querySelector(".banner-text");
  #button = this.querySelector(".banner-retry");
  #login = this.querySelector(".banner-login");
  #timer = 0;
  #tooMany = false;

  connectedCallback() {
    this.#button.addEventListener("click", () => emit(this, "connection:retry"));
    addEventListener("hashchange", () => this.#updateLoginLink());
  }

  show({ state, code, reason = "" }) {
    if (state === "waiting") this.#tooMany = code === CloseCode.OVERLOADED && reason.startsWith(TOO_MANY);
    if (state === "online") this.#hide();
    else if (state === "ended") this.#end(code);
    else if (!this.#timer) this.#timer = setTimeout(() => this.#reveal(), DELAY);
    else if (this.dataset.state === "waiting") this.#reveal();
  }

  #hide() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.dataset.state = "hidden";
    this.#text.textContent = "";
  }

  #reveal() {
    this.dataset.state = "waiting";
    const text = this.#tooMany
      ? _("This chat is open in too many windows or on too many devices. Close one of them.")
      : _("Reconnecting…");
    if (this.#text.textContent !== text) this.#text.textContent = text;
  }

  #end(code) {
    clearTimeout(this.#timer);
    if (code === undefined) return;
    this.dataset.state = "ended";
    this.#button.hidden = true;
    this.#login.hidden = code === CloseCode.ABUSE;
    this.#updateLoginLink();
    this.#text.textContent = TEXTS[code]();
  }

  /** Let the login page return to the open conversation. */
  #updateLoginLink() {
    this.#login.hash = location.hash;
  }
}

const TEXTS = {
  [CloseCode.SESSION_INVALID]: () => _("You have been logged out. What you write here is kept on this device."),
  [CloseCode.ACCOUNT_CLOSED]: () => _("You no longer have access to this chat."),
  [CloseCode.ABUSE]: () =>
    _("Too many requests: the server closed the connection. Reload the page to reconnect."),
};

customElements.define("connection-banner", ConnectionBanner);
