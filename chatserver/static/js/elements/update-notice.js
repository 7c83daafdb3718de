/**
 * <update-notice>: says that the page is older than the server, or that a part of it could not be loaded, and offers to
 * load it again. A page that is older loads itself again as soon as nothing in it is unsent or open, once for each
 * version: several nodes may have different ones while they are upgraded.
 *
 * Hears `page:incomplete` on the document.
 */

import { _ } from "../lib/i18n.js";
import { version } from "../ui/page.js";

const CHECK = 5_000; // milliseconds between two looks at whether the page can be loaded again
const TRIED = "chat:loaded-again-for";

class UpdateNotice extends HTMLElement {
  #text = this.querySelector(".banner-text");
  #timer = 0;

  connectedCallback() {
    this.querySelector(".banner-reload").addEventListener("click", () => location.reload());
    document.addEventListener("page:incomplete", () =>
      this.#show(_("A part of this page could not be loaded. Reload the page to use all of it.")),
    );
  }

  /** The server has this version. */
  met(newest, outbox) {
    clearInterval(this.#timer);
    if (!newest || newest === version) return;
    this.#show(_("A new version of the chat is available."));
    if (sessionStorage.getItem(TRIED) === newest) return;
    const reload = () => outbox.size === 0 && isIdle() && loadAgainFor(newest);
    this.#timer = setInterval(reload, CHECK);
    reload();
  }

  #show(text) {
    this.dataset.state = "shown";
    this.#text.textContent = text;
  }
}

/** Nothing is being written, and no dialog is open. */
function isIdle() {
  const fields = [...document.querySelectorAll("textarea, input[type=search]")];
  return !document.querySelector("dialog[open]") && fields.every(({ value }) => !value.trim());
}

function loadAgainFor(newest) {
  sessionStorage.setItem(TRIED, newest);
  location.reload();
}

customElements.define("update-notice", UpdateNotice);
