/**
 * Keeps the row under the mouse or pen, or with the focus, in its position while other rows come, go and move, so that a
 * click or Enter opens the intended row. While the pointer moves and between the clicks of a double click, no row moves;
 * while it rests, the list is scrolled by the distance that its row would move. Touch has no resting pointer.
 */

import { updatedInPlace } from "../lib/order.js";
import { PointerHold } from "./pointer-hold.js";

const DOUBLE_CLICK = 500; // milliseconds within which the second click of a double click comes

export class SteadyRows {
  #element;
  #scroller;
  #pointerHold;
  #shown = new Map(); // list → its items
  #pointer = ""; // type of the pointer that moved over the element last
  #points = false; // whether the pointer was used after the keyboard

  /** `element`: contains the lists, inside `scroller`; `draw()` calls the method `draw`. */
  constructor(element, { scroller, draw }) {
    this.#element = element;
    this.#scroller = scroller;
    element.addEventListener("pointermove", ({ pointerType }) => this.#moved(pointerType));
    this.#pointerHold = new PointerHold(element, { controls: "li, conversation-list", release: draw, afterClick: DOUBLE_CLICK });
    element.addEventListener("pointerleave", () => {
      this.#points = false;
      draw();
    });
    element.addEventListener("focusout", ({ relatedTarget }) => element.contains(relatedTarget) || setTimeout(draw));
    document.addEventListener("keydown", () => (this.#points = false), { capture: true });
  }

  /** Whether the user points at a row. */
  get isPointedAt() {
    return this.#points && this.#row !== null;
  }

  /** {list, key} of the row under the pointer or with the focus, which stays in its list; null if there is none. */
  get held() {
    const row = this.#row;
    return row && { list: row.parentElement, key: row.dataset.key };
  }

  /**
   * The items to show in `list` instead of `wanted`: the ones shown before while these may not move. `known`: items of
   * all lists, with the values of those that belong into another one now.
   */
  items(list, wanted, known = wanted) {
    const shown = this.#shown.get(list);
    const row = this.#row;
    const leaves = list.contains(row) && !wanted.some(({ key }) => key === row.dataset.key);
    const items = shown && (this.#pointerHold.held || leaves) ? updatedInPlace(shown, known) : wanted;
    this.#shown.set(list, items);
    return items;
  }

  /** Show the wanted items next time, because the user has changed them. */
  forget() {
    this.#shown.clear();
  }

  /** Call `work`, which changes the rows. */
  draw(work) {
    const row = this.#row;
    const before = row?.getBoundingClientRect().top;
    this.#addSpace({ start: 0, end: 0 });
    work();
    if (row?.isConnected) this.#moveBack(row, before);
  }

  get #row() {
    const hovered = this.#pointer === "touch" ? null : this.#element.querySelector("li:hover");
    const focused = document.activeElement?.closest("li");
    return hovered ?? (this.#element.contains(focused) ? focused : null);
  }

  #moved(type) {
    this.#pointer = type;
    this.#points = type !== "touch";
  }

  /** Scroll `row` back to `before`; where the list cannot scroll that far, it gets empty space. */
  #moveBack(row, before) {
    const distance = () => row.getBoundingClientRect().top - before;
    this.#scroller.scrollTop += distance();
    const rest = distance();
    if (rest < 0) this.#addSpace({ start: -rest, end: 0 });
    if (rest > 0) this.#addSpace({ start: 0, end: rest + this.#free });
    if (rest > 0) this.#scroller.scrollTop += rest;
  }

  /** The height of the scroller below the end of the element. */
  get #free() {
    return Math.max(0, this.#scroller.getBoundingClientRect().bottom - this.#element.getBoundingClientRect().bottom);
  }

  #addSpace({ start, end }) {
    const { style } = this.#element;
    style.paddingBlockStart = start > 0 ? `${start}px` : "";
    style.paddingBlockEnd = end > 0 ? `${end}px` : "";
  }
}
