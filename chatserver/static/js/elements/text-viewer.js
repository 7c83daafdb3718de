/** <text-viewer>: shows a text file in parts. Listens to `file:read` {file} on the page. */

import { attempt } from "../net/api.js";
import { textReader } from "../net/file-text.js";
import { makeClosable } from "../ui/dialogs.js";
import { sizeText } from "../lib/files.js";
import { fileUrl } from "../ui/message-files.js";
import { lang } from "../ui/page.js";

const PART_BYTES = 65_536;

class TextViewer extends HTMLElement {
  #dialog = this.querySelector("dialog");
  #text = this.querySelector("pre");
  #more = this.querySelector(".text-viewer-more");
  #problem = this.querySelector(".form-problem");
  #reader = null;
  #busy = null; // the reader whose next part is loading

  connectedCallback() {
    makeClosable(this.#dialog);
    this.parentElement.addEventListener("file:read", ({ detail: { file } }) => this.#open(file));
    this.#more.addEventListener("click", () => this.#load());
    this.#dialog.addEventListener("close", () => this.#text.replaceChildren());
  }

  #open(file) {
    this.#reader = textReader(fileUrl(file), file.bytes);
    this.querySelector("h2").textContent = file.name;
    this.querySelector(".text-viewer-size").textContent = sizeText(file.bytes, lang);
    this.querySelector(".text-viewer-download").href = fileUrl(file, { download: true });
    this.#text.replaceChildren();
    this.#more.hidden = true;
    this.#dialog.showModal();
    this.#text.focus();
    this.#load();
  }

  /** Append the next part; after a failure the button tries again. */
  async #load() {
    const reader = this.#reader;
    if (this.#busy === reader) return;
    this.#busy = reader;
    await attempt(this.#problem, async () => {
      const text = await reader.next(PART_BYTES);
      if (reader === this.#reader && this.#dialog.open) this.#text.append(text);
    });
    if (reader !== this.#reader) return;
    this.#busy = null;
    if (reader.isAtEnd && document.activeElement === this.#more) this.#text.focus();
    this.#more.hidden = reader.isAtEnd;
  }
}

customElements.define("text-viewer", TextViewer);
