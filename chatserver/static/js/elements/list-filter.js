/**
 * <list-filter>: filters <conversation-list> and finds users, also by pinyin. Enter opens the first row, the arrow down
 * goes to it, Escape clears.
 */

import { isComposing } from "../lib/keys.js";
import { fits } from "../lib/matching.js";
import { query } from "../lib/user-filter.js";

class ListFilter extends HTMLElement {
  /** (query) → promise of whether more may match. */
  loadMore = async () => false;

  #box = this.querySelector("input");
  #list = this.parentElement.querySelector("conversation-list");

  connectedCallback() {
    this.#box.addEventListener("input", () => this.#filter());
    this.#box.addEventListener("keydown", (event) => isComposing(event) || this.#pressed(event));
    this.#list.addEventListener("click", ({ target }) => target.closest("a") && this.#clear());
    if (this.#box.value) this.#filter(); // typed before this was loaded
  }

  get #query() {
    return query(this.#box.value).replace(/^#/, "");
  }

  #filter() {
    const typed = this.#query;
    this.#apply(typed);
    if (typed) this.loadMore(typed).then((more) => more && typed === this.#query && this.#apply(typed));
  }

  #apply(typed) {
    this.#list.filter = typed ? (one) => fits(one, typed) : null;
  }

  #pressed(event) {
    const first = this.#list.querySelector(".row");
    if (event.key === "Escape" && this.#box.value) this.#clear();
    else if (event.key === "ArrowDown") first?.focus();
    else if (event.key === "Enter" && this.#query) this.#open(first);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #open(row) {
    if (!row) return;
    this.#clear();
    row.click();
  }

  #clear() {
    this.#box.value = "";
    this.#apply("");
  }
}

customElements.define("list-filter", ListFilter);
