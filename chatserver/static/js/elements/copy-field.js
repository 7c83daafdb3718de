/** <copy-field>: a read-only text with a button that copies it, also where no clipboard is offered. */

import { _ } from "../lib/i18n.js";

const SHOWN = 2_000; // milliseconds

class CopyField extends HTMLElement {
  #input = this.querySelector("input");
  #button = this.querySelector("button");
  #words = this.querySelector(".copy-label");

  connectedCallback() {
    this.#button.addEventListener("click", () => this.#copy());
    this.#input.addEventListener("focus", () => this.#input.select());
  }

  set value(text) {
    this.#input.value = text;
  }

  async #copy() {
    const done = (await this.#write()) ? _("Copied") : _("Press Ctrl+C");
    const before = this.#words.dataset.words ?? this.#words.textContent;
    this.#words.dataset.words = before;
    this.#words.textContent = done;
    setTimeout(() => {
      this.#words.textContent = before;
    }, SHOWN);
  }

  async #write() {
    try {
      await navigator.clipboard.writeText(this.#input.value);
      return true;
    } catch {
      this.#input.select(); // plain http has no clipboard, but still this
      return document.execCommand("copy");
    }
  }
}

customElements.define("copy-field", CopyField);
