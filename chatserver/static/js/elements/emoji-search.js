/**
 * <emoji-search>: shows the emoji that match a name on the buttons next to it, which show common ones without a
 * query. Enter presses the first.
 */

import { loadEmoji } from "../ui/emoji.js";
import { matching } from "../lib/emoji.js";
import { isComposing } from "../lib/keys.js";

class EmojiSearch extends HTMLElement {
  #input = this.querySelector("input");
  #buttons = [...this.parentElement.querySelectorAll(".emoji")];
  #common = this.#buttons.map(({ dataset }) => ({ emoji: dataset.emoji, names: [""] }));

  connectedCallback() {
    if (this.dataset.ready) return; // moving the picker connects it again
    this.dataset.ready = "true";
    this.#input.addEventListener("input", () => this.#search());
    this.parentElement.addEventListener("keydown", (event) => this.#pressed(event));
    this.parentElement.addEventListener("beforetoggle", () => this.#reset());
  }

  #reset() {
    this.#input.value = "";
    this.#show(this.#common);
  }

  get #query() {
    return this.#input.value.trim().toLowerCase().replace(/^[:：]|[:：]$/g, "").replace(/\s+/g, "_");
  }

  async #search() {
    const query = this.#query;
    const all = await loadEmoji();
    if (query === this.#query) this.#show(query ? matching(all, query, this.#buttons.length) : this.#common);
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

  /** Letters go to the search field, arrow keys move between emoji. */
  #pressed(event) {
    if (isComposing(event)) return this.#input.focus();
    const { key, target, ctrlKey, metaKey, altKey } = event;
    if (key.startsWith("Arrow")) this.#step(event);
    else if (target === this.#input) return key === "Enter" && this.#shown[0]?.click();
    else if (key.length === 1 && key !== " " && !ctrlKey && !metaKey && !altKey) this.#input.focus();
    return undefined;
  }

  get #shown() {
    return this.#buttons.filter(({ hidden }) => !hidden);
  }

  #step(event) {
    event.stopPropagation(); // otherwise <message-actions> moves to the next message
    const shown = this.#shown;
    const current = shown.indexOf(event.target);
    const row = shown.filter(({ offsetTop }) => offsetTop === shown[0].offsetTop).length;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -row, ArrowDown: row }[event.key];
    if (current < 0 && event.key !== "ArrowDown") return; // inside the search text
    event.preventDefault();
    if (current < 0) shown[0]?.focus();
    else (shown[current + step] ?? this.#input).focus();
  }
}

customElements.define("emoji-search", EmojiSearch);
