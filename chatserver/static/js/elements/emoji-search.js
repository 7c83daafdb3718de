/**
 * <emoji-search>: finds emoji by name for the buttons beside it, which show the usual ones until somebody
 * searches. Enter presses the first.
 */

import { loadEmoji } from "../emoji.js";
import { fitting } from "../lib/emoji.js";
import { isComposing } from "../lib/keys.js";

class EmojiSearch extends HTMLElement {
  #input = this.querySelector("input");
  #buttons = [...this.parentElement.querySelectorAll(".emoji")];
  #usual = this.#buttons.map(({ dataset }) => ({ emoji: dataset.emoji, names: [""] }));

  connectedCallback() {
    if (this.dataset.ready) return; // it is moved with its picker, and that connects it again
    this.dataset.ready = "true";
    this.#input.addEventListener("input", () => this.#look());
    this.#input.addEventListener("keydown", (event) => this.#pressed(event));
    this.parentElement.addEventListener("beforetoggle", () => this.#begin());
  }

  #begin() {
    this.#input.value = "";
    this.#show(this.#usual);
  }

  get #query() {
    return this.#input.value.trim().toLowerCase().replace(/^[:：]|[:：]$/g, "").replace(/\s+/g, "_");
  }

  async #look() {
    const query = this.#query;
    const all = await loadEmoji();
    if (query === this.#query) this.#show(query ? fitting(all, query, this.#buttons.length) : this.#usual);
  }

  #show(found) {
    this.#buttons.forEach((button, index) => {
      button.hidden = index >= found.length;
      if (button.hidden) return;
      const { emoji, names } = found[index];
      button.dataset.emoji = emoji;
      button.textContent = emoji;
      button.title = names[0];
    });
  }

  #pressed(event) {
    if (isComposing(event)) return;
    if (event.key.startsWith("Arrow")) event.stopPropagation(); // they would go to the next message
    if (event.key === "Enter") this.#buttons.find(({ hidden }) => !hidden)?.click();
  }
}

customElements.define("emoji-search", EmojiSearch);
