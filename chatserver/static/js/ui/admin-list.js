/**
 * What the lists of administration share: rows that a search narrows down, dialogs about one of them,
 * and a sentence where something was refused.
 *
 * A subclass says `read(answer)`, `key(item)`, `fill(row, item)` and, for a search, `words(item)`;
 * `opened(name, item)` is called when a dialog opens. `data-row` names the template of a row.
 */

import { attempt, attemptOnce, sessionRequest } from "../net/api.js";
import { makeClosable, refill, markUnchanged } from "./dialogs.js";
import { restoreFocus, sync } from "./dom.js";
import { Dates } from "../lib/dates.js";
import { clone, lang } from "./page.js";

export class AdminList extends HTMLElement {
  items = [];
  open = null; // the item that a dialog is about
  dates = new Dates(lang);
  #filter = this.querySelector("[type=search]");
  #busy = 0; // acts under way

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
    await attempt(this.#place, async () => {
      this.items = this.read(await sessionRequest("GET", this.dataset.url));
      this.show();
      this.dataset.state = "loaded";
    });
  }

  show() {
    const wanted = (this.#filter?.value ?? "").trim().toLocaleLowerCase();
    const shown = this.items.filter((item) => this.admits(item, wanted));
    this.querySelector(".admin-none").hidden = shown.length > 0;
    this.querySelector("table").hidden = shown.length === 0;
    sync(this.querySelector("tbody"), shown, {
      key: (item) => this.key(item),
      make: () => clone(this.dataset.row ?? "row"),
      update: (row, item) => this.fill(row, item),
    });
  }

  words() {
    return "";
  }

  admits(item, wanted) {
    return this.words(item).toLocaleLowerCase().includes(wanted);
  }

  dialog(name) {
    return this.querySelector(`[data-name="${name}"]`);
  }

  /** In the open dialog, or above the list. */
  get #place() {
    return this.querySelector("dialog[open] .form-problem") ?? this.querySelector(".admin-problem");
  }

  /**
   * Does it, and says in the open dialog or above the list why not; whether it was done. Until then the dialog
   * stays open: what is shown in it afterwards, such as a new password, is about the same item.
   */
  async attempt(work) {
    this.#busy += 1;
    try {
      return await attemptOnce(this.#place, work);
    } finally {
      this.#busy -= 1;
    }
  }

  /** Asks first; then as `attempt`, with the list loaded again. */
  async confirmed(question, work) {
    if (await document.querySelector("confirm-dialog").ask(question)) await this.changed(work);
  }

  /** Whether it was done. */
  async changed(work) {
    if (!(await this.attempt(work))) return false;
    await this.load();
    const item = this.open && this.items.find((one) => this.key(one) === this.key(this.open));
    const dialog = this.querySelector("dialog[open]");
    if (item && dialog) refill(dialog, () => this.#turn(dialog, item));
    else dialog?.close();
    restoreFocus(this);
    return true;
  }

  say(text) {
    document.querySelector("toast-line").say(text);
  }

  /** A moment in a <time>, or a dash. */
  moment(element, at) {
    element.textContent = at ? this.dates.moment(at) : "–";
    if (at) element.dateTime = new Date(at).toISOString();
    else element.removeAttribute("datetime");
  }

  #clicked({ target }) {
    const name = target.closest("[data-opens]")?.dataset.opens;
    if (name) this.openDialog(name, this.itemOf(target));
  }

  /** The item whose row holds an element. */
  itemOf(element) {
    const key = element.closest("tr")?.dataset.key;
    return this.items.find((item) => this.key(item) === key) ?? null;
  }

  openDialog(name, item) {
    const dialog = this.dialog(name);
    for (const once of dialog.querySelectorAll(".admin-made, .form-problem")) once.hidden = true;
    this.#turn(dialog, item);
    markUnchanged(dialog);
    dialog.showModal();
  }

  #turn(dialog, item) {
    this.open = item;
    this.opened?.(dialog.dataset.name, item);
  }
}
