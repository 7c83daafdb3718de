/** <quick-switcher>: opens a room or user by a few letters, or lets the user choose one. Opened by Ctrl+K. */

import { setUpDialog } from "../ui/dialogs.js";
import { reconcile } from "../ui/dom.js";
import { goTo } from "../ui/layers.js";
import { _ } from "../lib/i18n.js";
import { matching } from "../lib/matching.js";
import { withAppended } from "../lib/order.js";
import { hashOf } from "../lib/route.js";
import { badge } from "../lib/unread.js";
import { clone } from "../ui/page.js";

const MAX_ROWS = 8;

class QuickSwitcher extends HTMLElement {
  /** () → [{key, name, display, isArchived, unread}], the most likely first. */
  candidates = () => [];

  /** (prefix) → promise of whether more candidates were loaded. */
  loadMore = async () => false;

  #modal = setUpDialog(this, { name: "switcher", opened: () => this.#opened() });
  #box = this.querySelector("input");
  #list = this.querySelector("ul");
  #options = [];
  #selected = 0;
  #choose = null; // (key or null) → while the user chooses for something else

  connectedCallback() {
    this.#box.addEventListener("input", () => this.#search());
    this.#box.addEventListener("keydown", (event) => this.#pressed(event));
    this.#modal.dialog.addEventListener("close", () => this.#chosen(null));
    this.#list.addEventListener("click", ({ target }) => {
      const option = target.closest("li");
      if (option) this.#go(Number(option.dataset.index));
    });
  }

  toggle() {
    this.#modal.toggle();
  }

  /** Let the user choose for `purpose`. Returns a promise of the key of the conversation, null if the user cancels. */
  choose(purpose) {
    this.#label(purpose);
    this.#modal.toggle();
    return new Promise((resolve) => (this.#choose = resolve));
  }

  #label(text) {
    this.#box.placeholder = text;
    this.#box.setAttribute("aria-label", text);
  }

  #opened() {
    this.#box.value = "";
    this.#search();
  }

  get #query() {
    return this.#box.value.trim().normalize("NFKC").toLowerCase().replace(/^[#@＠]/, "");
  }

  #search() {
    const query = this.#query;
    this.#options = matching(this.candidates(), query, MAX_ROWS);
    this.#select(0);
    this.loadMore(query).then((more) => more && query === this.#query && this.#append(query));
  }

  /** Append candidates that were loaded later; shown rows do not move. */
  #append(query) {
    this.#options = withAppended(this.#options, matching(this.candidates(), query, MAX_ROWS), MAX_ROWS);
    this.#select(this.#selected);
  }

  #select(index) {
    this.#selected = index;
    const items = this.#options.map((one, position) => ({ ...one, position, on: position === index }));
    reconcile(this.#list, items, { key: ({ key }) => key, make: () => clone("name-option"), update: describe });
    this.querySelector(".switcher-none").hidden = items.length > 0;
    if (items.length === 0) this.#box.removeAttribute("aria-activedescendant");
    else this.#box.setAttribute("aria-activedescendant", `switcher-${index}`);
  }

  #pressed(event) {
    const count = this.#options.length;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.isComposing || count === 0) return;
    if (step) this.#select((this.#selected + step + count) % count);
    else if (event.key === "Enter") this.#go(this.#selected);
    else return;
    event.preventDefault();
  }

  #go(index) {
    const { key } = this.#options[index];
    const isChoice = this.#choose !== null;
    this.#chosen(key);
    this.#modal.dialog.close();
    if (!isChoice) goTo(hashOf(key));
  }

  #chosen(key) {
    if (this.#choose === null) return;
    this.#choose(key);
    this.#choose = null;
    this.#label(_("Go to a room or a person"));
  }
}

function describe(option, { key, display, name, isPublic, isArchived, unread, position, on }) {
  option.id = `switcher-${position}`;
  option.dataset.index = position;
  option.setAttribute("aria-selected", String(on));
  option.querySelector(".option-name").textContent = isPublic ? `# ${display}` : display;
  option.querySelector(".option-more").textContent = [key.startsWith("@") && `@${name}`, isArchived && _("Archived"), badge(unread)].filter(Boolean).join(" · ");
}

customElements.define("quick-switcher", QuickSwitcher);
