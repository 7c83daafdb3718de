/**
 * <update-banner>: reports that the page is older than the server, or that a part of it could not be loaded, and offers to
 * reload it. An outdated page reloads itself as soon as nothing in it is unsent or open, once for each
 * version, because nodes may have different versions during an upgrade.
 *
 * Listens to `page:incomplete` on the document.
 */

import { _ } from "../lib/i18n.js";
import { version } from "../ui/page.js";

const CHECK_INTERVAL = 5_000; // milliseconds
const STORAGE_NAME = "chat:loaded-again-for";

class UpdateBanner extends HTMLElement {
  #text = this.querySelector(".banner-text");
  #timer = 0;

  connectedCallback() {
    this.querySelector(".banner-reload").addEventListener("click", () => location.reload());
    document.addEventListener("page:incomplete", () =>
      this.#show(_("A part of this page could not be loaded. Reload the page to use all of it.")),
    );
  }

  /** `newest`: the version of the server. */
  setServerVersion(newest, outbox) {
    clearInterval(this.#timer);
    if (!newest || newest === version) return;
    this.#show(_("A new version of the chat is available."));
    if (sessionStorage.getItem(STORAGE_NAME) === newest) return;
    const reload = () => outbox.size === 0 && isIdle() && reloadFor(newest);
    this.#timer = setInterval(reload, CHECK_INTERVAL);
    reload();
  }

  #show(text) {
    this.dataset.state = "shown";
    this.#text.textContent = text;
  }
}

/** Whether no text is entered, nothing is recorded, no file is chosen and no dialog is open. */
function isIdle() {
  const fields = [...document.querySelectorAll("textarea, input[type=search]")];
  return !document.querySelector("dialog[open], :is(attachment-tray, voice-recorder):not([hidden])") && fields.every(({ value }) => !value.trim());
}

function reloadFor(newest) {
  sessionStorage.setItem(STORAGE_NAME, newest);
  location.reload();
}

customElements.define("update-banner", UpdateBanner);
