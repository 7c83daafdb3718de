/**
 * Moves the focus when the focused element is hidden or removed: to its nearest focusable ancestor, otherwise to the
 * composer or the open dialog. Text typed outside all fields goes to the composer.
 */

import { types } from "../lib/keys.js";

const LAYERS = "dialog[open], :popover-open";
const FIELDS = "input, textarea, select, [contenteditable]";
const TOUCH = matchMedia("(hover: none) and (pointer: coarse)"); // focusing a field would open the keyboard
const HIDING = ["hidden", "open", "data-open", "data-state", "class", "inert"]; // attributes

export class Focus {
  #app;
  #inDialog = []; // the element that was focused last in a dialog, and its ancestors
  #inPage = []; // the same outside of dialogs
  #pressed = false; // whether the pointer is down: the user moves the focus
  #waiting = false;

  constructor(app) {
    this.#app = app;
  }

  watch() {
    document.addEventListener("focusin", (event) => this.#focused(event.composedPath()));
    document.addEventListener("focusout", ({ relatedTarget }) => this.#pressed && !relatedTarget && this.#forget());
    document.addEventListener("pointerdown", () => (this.#pressed = true), { capture: true });
    for (const name of ["pointerup", "pointercancel"]) {
      document.addEventListener(name, () => (this.#pressed = false), { capture: true });
    }
    document.addEventListener("keydown", (event) => this.#typed(event));
    document.addEventListener("close", () => this.#scheduleCheck(), { capture: true });
    new MutationObserver(() => this.#scheduleCheck()).observe(this.#app, { attributeFilter: HIDING, childList: true, subtree: true });
  }

  #focused(path) {
    const elements = path.slice(0, path.indexOf(document.body));
    if (elements.some(({ localName }) => localName === "dialog")) this.#inDialog = elements;
    else this.#inPage = elements;
  }

  #forget() {
    this.#inPage = [];
  }

  /** Check after the next layout; until then a hidden element keeps the focus. */
  #scheduleCheck() {
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
      focusFirst([...this.#inDialog.filter((element) => dialog.contains(element)), dialog]);
    } else if (this.#inPage.length > 0) {
      focusFirst([...this.#inPage, ...this.#fallbacks]);
    }
  }

  get #fallbacks() {
    return TOUCH.matches ? [] : [this.#part("message-composer textarea"), this.#part("room-notice")];
  }

  /** Move the focus on keydown; the browser then inserts the character there. */
  #typed(event) {
    const busy = event.defaultPrevented || document.querySelector(LAYERS) || event.target.closest(FIELDS);
    if (!busy && types(event)) focusFirst([this.#part("message-composer textarea")]);
  }

  #part(selector) {
    return this.#app.querySelector(selector);
  }
}

/** Focus the first focusable of `elements`. */
function focusFirst(elements) {
  for (const element of elements) {
    if (!element.checkVisibility({ visibilityProperty: true })) continue;
    element.focus({ preventScroll: true });
    if (document.activeElement === element) return;
  }
}
