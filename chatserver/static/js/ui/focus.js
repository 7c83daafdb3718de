/**
 * Moves the focus when the focused element is hidden, disabled or removed: from a removed row of a list to the next row
 * (not to its button, which the next key would press), otherwise to the nearest focusable ancestor, the composer or the
 * open dialog. Text typed outside all fields goes to the composer.
 */

import { isCharacterKey } from "../lib/keys.js";

const LAYERS = "dialog[open], :popover-open";
const FIELDS = "input, textarea, select, [contenteditable]";
const TOUCH = matchMedia("(hover: none) and (pointer: coarse)"); // focusing a field would open the keyboard
const ROWS = "li, tr";
const HIDING = ["hidden", "open", "data-open", "data-state", "class", "inert", "disabled"]; // attributes

export class Focus {
  #app;
  #last = new Map(); // dialog, or the body → the element that was focused last in it, its ancestors and their next rows
  #pressed = false; // whether the pointer is down: the user moves the focus
  #waiting = false;

  /** `app`: the element that contains the composer, if the page has one. */
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
    const dialog = elements.find(({ localName }) => localName === "dialog");
    this.#last.set(dialog ?? document.body, elements.flatMap(withNextRows));
  }

  #forget() {
    this.#last.delete(document.body);
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
    const last = this.#last.get(dialog ?? document.body);
    if (dialog) {
      dialog.tabIndex = -1;
      focusFirst([...(last ?? []), dialog]);
    } else if (last) {
      focusFirst([...last, ...this.#fallbacks]);
    }
  }

  get #fallbacks() {
    return TOUCH.matches ? [] : [this.#part("message-composer textarea"), this.#part("room-banner")];
  }

  /** Move the focus on keydown; the browser then inserts the character there. */
  #typed(event) {
    const busy = event.defaultPrevented || document.querySelector(LAYERS) || event.target.closest(FIELDS);
    if (!busy && isCharacterKey(event)) focusFirst([this.#part("message-composer textarea")]);
  }

  #part(selector) {
    return this.#app.querySelector(selector);
  }
}

/** `element`; for a row, also the rows after it and before it, the nearest first. */
function withNextRows(element) {
  if (!element.matches(ROWS)) return [element];
  const rows = [...element.parentElement.children];
  const index = rows.indexOf(element);
  return [element, ...rows.slice(index + 1), ...rows.slice(0, index).reverse()];
}

/** Focus the first focusable of `elements`. */
function focusFirst(elements) {
  for (const element of elements) {
    if (!element?.checkVisibility({ visibilityProperty: true })) continue;
    if (element.matches(ROWS)) element.tabIndex = -1;
    element.focus({ preventScroll: true });
    if (document.activeElement === element) return;
  }
}
