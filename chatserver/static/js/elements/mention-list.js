/**
 * <mention-list>: the names that fit what is being written behind an @, above the text box beside it.
 * Arrow keys choose, Enter or Tab takes, Escape puts it away. `candidates` are told by the page.
 */

import { sync } from "../dom.js";
import { _ } from "../lib/i18n.js";
import { isComposing } from "../lib/keys.js";
import { fitting, unfinished } from "../lib/mentions.js";
import { clone } from "../page.js";

class MentionList extends HTMLElement {
  /** () → [{name, display}] of everybody who can be called here. */
  candidates = () => [];

  #box = this.parentElement.querySelector("textarea");
  #list = this.querySelector("ul");
  #found = [];
  #chosen = 0;

  connectedCallback() {
    this.#box.addEventListener("input", (event) => isComposing(event) || this.#look());
    this.#box.addEventListener("compositionend", () => this.#look());
    this.#box.addEventListener("keydown", (event) => this.#pressed(event));
    this.#box.addEventListener("blur", () => this.#close());
    this.#list.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the box keeps the focus
      const option = event.target.closest("li");
      if (option) this.#take(Number(option.dataset.index));
    });
  }

  #look() {
    const wanted = unfinished(this.#before);
    const found = wanted ? [...fitting(this.candidates(), wanted.query), ...everybody(wanted.query)] : [];
    this.#found = found.length === 1 && found[0].name === wanted.query ? [] : found; // it is complete
    this.#choose(0);
  }

  get #before() {
    return this.#box.value.slice(0, this.#box.selectionStart);
  }

  #choose(index) {
    this.#chosen = index;
    this.hidden = this.#found.length === 0;
    const items = this.#found.map((person, position) => ({ ...person, position, on: position === index }));
    sync(this.#list, items, {
      key: ({ name }) => name,
      make: () => clone("name-option"),
      update: describe,
    });
    if (this.hidden) this.#box.removeAttribute("aria-activedescendant");
    else this.#box.setAttribute("aria-activedescendant", `name-${index}`);
  }

  #pressed(event) {
    if (this.hidden || isComposing(event)) return;
    const count = this.#found.length;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.#choose((this.#chosen + step + count) % count);
    else if (event.key === "Enter" || event.key === "Tab") this.#take(this.#chosen);
    else if (event.key === "Escape") this.#close();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  /** A letter before the @ would make it a part of a word: then a space goes between. */
  #take(index) {
    const wanted = unfinished(this.#before);
    const { name } = this.#found[index];
    this.#close();
    if (!wanted) return;
    const gap = /[\p{L}\p{N}_.]$/u.test(this.#before.slice(0, wanted.start)) ? " " : "";
    this.#box.setRangeText(`${gap}@${name} `, wanted.start, this.#box.selectionStart, "end");
    this.#box.dispatchEvent(new Event("input", { bubbles: true }));
  }

  #close() {
    this.#found = [];
    this.#choose(0);
  }
}

const everybody = (query) => ("all".startsWith(query) ? [{ name: "all", display: _("everybody in this room") }] : []);

function describe(option, { name, display, position, on }) {
  option.id = `name-${position}`;
  option.dataset.index = position;
  option.setAttribute("aria-selected", String(on));
  option.querySelector(".option-name").textContent = display;
  option.querySelector(".option-more").textContent = `@${name}`;
}

customElements.define("mention-list", MentionList);
