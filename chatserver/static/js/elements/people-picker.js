/**
 * <people-picker>: checkboxes named "user" for choosing users, with a filter that knows pinyin. Enter in the filter
 * chooses the best match. Chosen users stay in view, and are named in a line for screen readers.
 *
 * Dispatches `choice:changed`.
 */

import { showAvatar } from "../ui/avatar.js";
import { emit, reconcile } from "../ui/dom.js";
import { ngettext } from "../lib/i18n.js";
import { byDisplay, FILTER_THRESHOLD, filtered, query } from "../lib/user-filter.js";
import { clone, lang } from "../ui/page.js";

class PeoplePicker extends HTMLElement {
  /** () → [{name, display, picture?}] of users who can be chosen. */
  candidates = () => [];

  /** (query) → promise of whether more candidates were loaded. */
  loadMore = async () => false;

  #filter = this.querySelector(".user-filter");
  #choices = this.querySelector(".choice-list");

  connectedCallback() {
    this.#choices.addEventListener("change", () => this.#showSelected());
    this.#filter.addEventListener("input", () => this.#filterChanged());
    this.#filter.addEventListener("keydown", (event) => event.key === "Enter" && this.#entered(event));
  }

  /** The names of the chosen users. */
  get chosen() {
    return [...this.#choices.querySelectorAll(":checked")].map(({ value }) => value);
  }

  /** Show the candidates, none of them chosen. */
  reset() {
    this.#filter.value = "";
    for (const box of this.#choices.querySelectorAll(":checked")) box.checked = false;
    this.show();
    this.#choices.scrollTop = 0;
  }

  /** Show the candidates who match the filter, the best first, and before them those who are chosen. */
  show() {
    const users = this.candidates();
    const chosen = new Set(this.chosen);
    const typed = query(this.#filter.value);
    const found = typed ? filtered(users, typed) : byDisplay(users);
    const order = [...users.filter(({ name }) => chosen.has(name)), ...found.filter(({ name }) => !chosen.has(name))];
    reconcile(this.#choices, order, { key: ({ name }) => name, make: checkbox, update: describe });
    this.hidden = users.length === 0;
    this.#filter.hidden = users.length <= FILTER_THRESHOLD;
    this.querySelector(".users-none").hidden = found.length > 0;
    this.#showSelected();
  }

  #filterChanged() {
    this.show();
    const typed = query(this.#filter.value);
    this.loadMore(typed).then((more) => more && typed === query(this.#filter.value) && this.show());
  }

  /** Choose the best match instead of submitting the form. */
  #entered(event) {
    event.preventDefault();
    const [best] = query(this.#filter.value) ? filtered(this.candidates(), this.#filter.value) : [];
    if (event.isComposing || !best) return;
    this.#choices.querySelector(`[data-key="${CSS.escape(best.name)}"] input`).checked = true;
    this.#filter.value = "";
    this.show();
  }

  /** Name the chosen users, who may be far apart in the list. */
  #showSelected() {
    const shown = [...this.#choices.querySelectorAll(":checked")].map((box) => box.closest(".check").querySelector(".choice-name").textContent);
    const names = new Intl.ListFormat(lang, { style: "narrow" }).format(shown);
    const text = this.querySelector(".users-selected");
    text.hidden = shown.length === 0;
    text.textContent = ngettext("%(num)s selected: %(names)s", "%(num)s selected: %(names)s", shown.length, { names });
    emit(this, "choice:changed");
  }
}

function checkbox({ name }) {
  const item = clone("user-choice");
  item.querySelector("input").value = name;
  return item;
}

function describe(item, { name, display, picture }) {
  showAvatar(item.querySelector(".avatar"), { name, display, picture });
  item.querySelector(".choice-name").textContent = display;
  item.querySelector(".choice-more").textContent = `@${name}`;
}

customElements.define("people-picker", PeoplePicker);
