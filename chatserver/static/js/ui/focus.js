/**
 * Where the focus goes when the element that has it is hidden or removed: to what is around that element and can have
 * it, else to the composer, or to the open dialog. Text that is typed while no field has the focus goes to the composer.
 */

import { types } from "../lib/keys.js";

const LAYERS = "dialog[open], :popover-open";
const FIELDS = "input, textarea, select, [contenteditable]";
const TOUCH = matchMedia("(hover: none) and (pointer: coarse)"); // where the focus of a field opens a keyboard
const HIDING = ["hidden", "open", "data-open", "data-state", "class", "inert"]; // attributes

export class Focus {
  #app;
  #inDialog = []; // the element that had the focus last in a dialog, and what is around it
  #inPage = []; // the same outside of dialogs
  #pressed = false; // a button of the mouse: the focus goes where the user wants it
  #waiting = false;

  constructor(app) {
    this.#app = app;
  }

  watch() {
    document.addEventListener("focusin", (event) => this.#came(event.composedPath()));
    document.addEventListener("focusout", ({ relatedTarget }) => this.#pressed && !relatedTarget && this.#forget());
    document.addEventListener("pointerdown", () => (this.#pressed = true), { capture: true });
    for (const name of ["pointerup", "pointercancel"]) {
      document.addEventListener(name, () => (this.#pressed = false), { capture: true });
    }
    document.addEventListener("keydown", (event) => this.#typed(event));
    document.addEventListener("close", () => this.#soon(), { capture: true });
    new MutationObserver(() => this.#soon()).observe(this.#app, { attributeFilter: HIDING, childList: true, subtree: true });
  }

  #came(path) {
    const elements = path.slice(0, path.indexOf(document.body));
    if (elements.some(({ localName }) => localName === "dialog")) this.#inDialog = elements;
    else this.#inPage = elements;
  }

  #forget() {
    this.#inPage = [];
  }

  /** After the next layout: until then a hidden element keeps the focus. */
  #soon() {
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => setTimeout(() => this.#check()));
  }

  #check() {
    this.#waiting = false;
    if (document.activeElement !== document.body) return;
    const dialog = [...document.querySelectorAll("dialog:modal")].at(-1);
    if (dialog) {
      dialog.tabIndex = -1;
      give([...this.#inDialog.filter((element) => dialog.contains(element)), dialog]);
    } else if (this.#inPage.length > 0) {
      give([...this.#inPage, ...this.#writing]);
    }
  }

  get #writing() {
    return TOUCH.matches ? [] : [this.#part("message-composer textarea"), this.#part("room-notice")];
  }

  /** The key is handled where the focus is after this. */
  #typed(event) {
    const busy = event.defaultPrevented || document.querySelector(LAYERS) || event.target.closest(FIELDS);
    if (!busy && types(event)) give([this.#part("message-composer textarea")]);
  }

  #part(selector) {
    return this.#app.querySelector(selector);
  }
}

/** The first of `elements` that can have the focus gets it. */
function give(elements) {
  for (const element of elements) {
    if (!element.checkVisibility({ visibilityProperty: true })) continue;
    element.focus({ preventScroll: true });
    if (document.activeElement === element) return;
  }
}
