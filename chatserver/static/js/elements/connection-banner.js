/**
 * <connection-banner>: says that the connection is lost, when it stays so for two seconds, that this user has too many
 * windows, that the user has been logged out, or that the connection is over.
 *
 * Sends `connection:retry`.
 */

import { say } from "../ui/dom.js";
import { _ } from "../lib/i18n.js";
import { CloseCode } from "../net/protocol.js";

const PATIENCE = 2_000; // milliseconds
const TOO_MANY = "too many sockets"; // the reason for which a user's next socket is closed begins so

class ConnectionBanner extends HTMLElement {
  #text = this.querySelector(".banner-text");
  #button = this.querySelector(".banner-retry");
  #login = this.querySelector(".banner-login");
  #timer = 0;
  #tooMany = false;

  connectedCallback() {
    this.#button.addEventListener("click", () => say(this, "connection:retry"));
    addEventListener("hashchange", () => this.#pointLogin());
  }

  show({ state, code, reason = "" }) {
    if (state === "waiting") this.#tooMany = code === CloseCode.OVERLOADED && reason.startsWith(TOO_MANY);
    if (state === "online") this.#hide();
    else if (state === "ended") this.#end(code);
    else if (!this.#timer) this.#timer = setTimeout(() => this.#reveal(), PATIENCE);
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
    this.#pointLogin();
    this.#text.textContent = ENDS[code]();
  }

  /** The same conversation is opened after the login. */
  #pointLogin() {
    this.#login.hash = location.hash;
  }
}

const ENDS = {
  [CloseCode.SESSION_INVALID]: () => _("You have been logged out. What you write here is kept on this device."),
  [CloseCode.REMOVED]: () => _("You no longer have access to this chat."),
  [CloseCode.ABUSE]: () =>
    _("Too many requests: the server closed the connection. Reload the page to reconnect."),
};

customElements.define("connection-banner", ConnectionBanner);
