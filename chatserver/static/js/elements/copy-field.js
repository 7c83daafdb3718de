/** <copy-field>: a read-only text with a copy button, which also works without the Clipboard API. */

import { _ } from "../lib/i18n.js";

const CONFIRMATION_DURATION = 2_000; // milliseconds

class CopyField extends HTMLElement {
  #input = this.querySelector("input");
  #button = this.querySelector("button");
  #label = this.querySelector(".copy-label");

  connectedCallback() {
    this.#button.addEventListener("click", () => this.#copy());
    this.#input.addEventListener("focus", () => this.#input.select());
  }

  set value(text) {
    this.#input.value = text;
  }

  async #copy() {
    const done = (await this.#write()) ? _("Copied") : _("Press Ctrl+C");
    const before = this.#label.dataset.label ?? this.#label.textContent;
    this.#label.dataset.label = before;
    this.#label.textContent = done;
    setTimeout(() => {
      this.#label.textContent = before;
    }, CONFIRMATION_DURATION);
  }

  async #write() {
    try {
      await navigator.clipboard.writeText(this.#input.value);
      return true;
    } catch {
      this.#input.select(); // plain http has no Clipboard API
      return document.execCommand("copy");
    }
  }
}

customElements.define("copy-field", CopyField);
