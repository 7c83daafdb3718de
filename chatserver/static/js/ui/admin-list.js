/**
 * Base class of the lists in administration: rows with a filter, dialogs about one item,
 * and error messages.
 *
 * A subclass defines `read(response)`, `key(item)`, `fill(row, item)` and, for a filter, `searchText(item)`;
 * `opened(name, item)` is called when a dialog opens. `data-row` names the template of a row.
 */

import { attempt, attemptOnce, sessionRequest } from "../net/api.js";
import { makeClosable, refill, markUnchanged } from "./dialogs.js";
import { reconcile } from "./dom.js";
import { Dates } from "../lib/dates.js";
import { clone, lang } from "./page.js";

export class AdminList extends HTMLElement {
  items = [];
  open = null; // the item that a dialog is about
  dates = new Dates(lang);
  #filter = this.querySelector("[type=search]");
  #busy = 0; // running operations

  connectedCallback() {
    this.tabIndex = -1;
    this.#filter?.addEventListener("input", () => this.show());
    this.addEventListener("click", (event) => this.#clicked(event));
    for (const dialog of this.querySelectorAll("dialog")) {
      makeClosable(dialog);
      dialog.addEventListener("close", () => this.#busy > 0 && dialog.showModal());
    }
    this.load();
  }

  async load() {
    await attempt(this.#problem, async () => {
      this.items = this.read(await sessionRequest("GET", this.dataset.url));
      this.show();
      this.dataset.state = "loaded";
    });
  }

  show() {
    const wanted = (this.#filter?.value ?? "").trim().toLocaleLowerCase();
    const shown = this.items.filter((item) => this.isShown(item, wanted));
    this.querySelector(".admin-none").hidden = shown.length > 0;
    this.querySelector("table").hidden = shown.length === 0;
    reconcile(this.querySelector("tbody"), shown, {
      key: (item) => this.key(item),
      make: () => clone(this.dataset.row ?? "row"),
      update: (row, item) => this.fill(row, item),
    });
  }

  searchText() {
    return "";
  }

  isShown(item, wanted) {
    return this.searchText(item).toLocaleLowerCase().includes(wanted);
  }

  dialog(name) {
    return this.querySelector(`[data-name="${name}"]`);
  }

  /** The element for errors: in the open dialog, or above the list. */
  get #problem() {
    return this.querySelector("dialog[open] .form-problem") ?? this.querySelector(".admin-problem");
  }

  /**
   * Run `work`, and show its error in the open dialog or above the list. Returns whether it succeeded. The dialog stays
   * open until then, because a result such as a new password is shown in it.
   */
  async attempt(work) {
    this.#busy += 1;
    try {
      return await attemptOnce(this.#problem, work);
    } finally {
      this.#busy -= 1;
    }
  }

  /** Ask for confirmation, then call `changed`. */
  async confirmed(question, work) {
    if (await document.querySelector("confirm-dialog").ask(question)) await this.changed(work);
  }

  /** As `attempt`, and load the list again. */
  async changed(work) {
    if (!(await this.attempt(work))) return false;
    await this.load();
    const item = this.open && this.items.find((one) => this.key(one) === this.key(this.open));
    const dialog = this.querySelector("dialog[open]");
    if (item && dialog) refill(dialog, () => this.#setItem(dialog, item));
    else dialog?.close();
    return true;
  }

  showToast(text) {
    document.querySelector("toast-line").show(text);
  }

  /** Show date and time in a <time>, or a dash. */
  moment(element, at) {
    element.textContent = at ? this.dates.moment(at) : "–";
    if (at) element.dateTime = new Date(at).toISOString();
    else element.removeAttribute("datetime");
  }

  #clicked({ target }) {
    const name = target.closest("[data-opens]")?.dataset.opens;
    if (name) this.openDialog(name, this.itemOf(target));
  }

  /** The item whose row contains an element. */
  itemOf(element) {
    const key = element.closest("tr")?.dataset.key;
    return this.items.find((item) => this.key(item) === key) ?? null;
  }

  openDialog(name, item) {
    const dialog = this.dialog(name);
    for (const once of dialog.querySelectorAll(".admin-made, .form-problem")) once.hidden = true;
    this.#setItem(dialog, item);
    markUnchanged(dialog);
    dialog.showModal();
  }

  #setItem(dialog, item) {
    this.open = item;
    this.opened?.(dialog.dataset.name, item);
  }
}
