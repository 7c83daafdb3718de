/**
 * <storage-banner>: reports that this browser stores nothing for the page, or that unsent text exists only in this
 * window. In that case the browser asks before it closes the window.
 */

import { drafts } from "../state/drafts.js";
import { _ } from "../lib/i18n.js";

class StorageBanner extends HTMLElement {
  #text = this.querySelector(".banner-text");
  #outbox = null;
  #available = true;

  connectedCallback() {
    this.querySelector(".banner-close").addEventListener("click", () => this.#show(""));
    addEventListener("beforeunload", (event) => this.#isUnsaved() && event.preventDefault());
  }

  /** Observe `outbox` and the drafts. */
  async watch(outbox) {
    this.#outbox = outbox;
    outbox.addEventListener("outbox:saved", () => this.#update());
    document.addEventListener("input", () => drafts.areSaved || this.#update());
    this.#available = await outbox.isStored();
    this.#update();
  }

  #isUnsaved() {
    return this.#outbox?.unsavedCount > 0 || !drafts.areSaved;
  }

  #update() {
    if (this.#isUnsaved()) {
      this.#show(_("Your browser could not store unsent text. It is lost when this window is closed or reloaded."));
    } else {
      this.#show(this.#available ? "" : _("Your browser stores nothing for this page. Unsent messages are lost when the window is closed or reloaded."));
    }
  }

  #show(text) {
    this.dataset.state = text ? "shown" : "hidden";
    if (this.#text.textContent !== text) this.#text.textContent = text;
  }
}

customElements.define("storage-banner", StorageBanner);
