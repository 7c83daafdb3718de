/**
 * <message-actions>: the action buttons of a message. There is one such element; it moves to the message that is under
 * the pointer, has the focus, or whose "⋯" was pressed, or after a long press. Arrow keys move between messages; Tab
 * reaches the controls of the focused message only. A long press on a reaction shows who reacted.
 *
 * Dispatches, from that message: `message:react` {seq, emoji, on}, `message:answer` {seq}, `message:edit`
 * {seq}, `message:remove` {seq}, `message:copy` {seq}, `message:unread` {seq}, `message:link` {seq}. Owned by <message-list>, which calls `update`.
 */

import { emit } from "../ui/dom.js";
import { me } from "../ui/page.js";

const LONG_PRESS = 450; // milliseconds
const MAX_MOVE = 10; // pixels that a finger may move during a long press
const CONTROLS = ".message-quote, .action, a.mention, .room-link, .reaction, .message-more, .picture, .file-download, .text-more, .upload-cancel, .voice-play, .voice-slider, .voice-speed"; // of a message
const NO_HOVER = matchMedia("(hover: none)");

class MessageActions extends HTMLElement {
  #rights = { member: true, moderates: false, open: true };
  #list = this.parentElement;
  #rows = this.#list.querySelector(".messages-rows");
  #picker = this.querySelector(".emoji-picker");
  #opener = this.querySelector("[data-action=pick]");
  #pressTimer = 0;
  #longPressed = null; // the reaction or message under a long press: the click that ends the press is ignored
  #pointer = ""; // the last position of the pointer
  #reachable = null; // the message whose controls are reached by Tab

  connectedCallback() {
    if (this.dataset.ready) return; // moving the element connects it again
    this.dataset.ready = "true";
    this.#rows.addEventListener("pointermove", (event) => this.#hasMoved(event) && this.#follow(event));
    this.#rows.addEventListener("focusin", (event) => this.#focused(event));
    this.#rows.addEventListener("focusout", ({ relatedTarget }) => this.#setTabStops(relatedTarget));
    this.#rows.addEventListener("keydown", (event) => this.#moveFocus(event));
    this.#rows.addEventListener("pointerdown", (event) => this.#pressed(event));
    this.#rows.addEventListener("click", (event) => this.#ignoreRelease(event), { capture: true });
    this.#rows.addEventListener("click", ({ target }) => this.#openFrom(target.closest(".message-more")));
    this.#list.addEventListener("pointerleave", ({ pointerType }) => pointerType !== "touch" && this.#pointerLeft());
    document.addEventListener("pointerdown", ({ target, pointerType }) => {
      if (pointerType === "touch" && !this.parentElement?.contains(target)) this.moveTo(null);
    });
    this.addEventListener("click", ({ target }) => this.#clicked(target.closest("button")));
    this.#picker.addEventListener("toggle", () => this.#positionPicker());
  }

  /**
   * Called when messages have changed. `member`: the user is a member; `moderates`: the user may delete messages of
   * others; `open`: the room is not archived.
   */
  update(rights) {
    this.#rights = rights;
    const row = this.closest("chat-message");
    if (row?.message.deleted) this.#leaveDeleted(row);
    else if (row) this.#showAllowed(row.message);
    this.#setTabStops(document.activeElement);
  }

  /** Leave a message that was deleted. It gets the focus instead of its actions. */
  #leaveDeleted(row) {
    const hasFocus = this.contains(document.activeElement);
    if (this.#picker.matches(":popover-open")) this.#picker.hidePopover();
    if (hasFocus) row.focus();
    this.moveTo(null);
  }

  /** Move to `message`, or hide without one. */
  moveTo(message) {
    if (this.#picker.matches(":popover-open") || this.parentElement === message) return;
    if (!message?.message?.seq || message.message.deleted) {
      this.#list.append(this);
      return;
    }
    this.#showAllowed(message.message);
    message.querySelector(".message-quote").before(this); // the first that Tab reaches
    this.#placeOnTouch(message);
    this.#setTabStops(document.activeElement);
  }

  /** On touch screens the actions are above the message, or below it where they would be cut off; see actions.css. */
  #placeOnTouch(message) {
    const space = message.getBoundingClientRect().top - this.#list.getBoundingClientRect().top;
    this.dataset.place = space < this.offsetHeight ? "below" : "above";
  }

  #showAllowed({ own, data }) {
    this.#show("copy", data !== "");
    const { member, moderates, open } = this.#rights;
    this.#show("edit", member && own && open);
    this.#show("unread", member && !own);
    this.#show("remove", member && (own || moderates));
    for (const action of ["pick", "answer"]) this.#show(action, member && open);
  }

  #show(action, shown) {
    this.querySelector(`[data-action=${action}]`).hidden = !shown;
  }

  /** Whether the pointer itself has moved, and not only the messages under it. */
  #hasMoved({ pointerType, clientX, clientY }) {
    const position = `${clientX} ${clientY}`;
    const moved = pointerType !== "touch" && position !== this.#pointer;
    this.#pointer = position;
    return moved;
  }

  #focused(event) {
    this.#setTabStops(event.target);
    this.#follow(event);
  }

  /** Let Tab reach the controls of the message with the focused element, and no others. */
  #setTabStops(focused) {
    const message = focused?.closest("chat-message") ?? null;
    if (message !== this.#reachable) setTabIndex(this.#reachable, -1);
    setTabIndex(message, 0);
    if (this.parentElement !== message) setTabIndex(this, -1);
    this.#reachable = message;
  }

  #follow({ target }) {
    if (target.closest(".message-more")) return; // the click follows
    const message = target.closest("chat-message");
    const focused = document.activeElement?.closest("chat-message");
    if (message && (!focused || focused === message || !this.contains(document.activeElement))) this.moveTo(message);
  }

  #pointerLeft() {
    if (!this.contains(document.activeElement)) this.moveTo(document.activeElement?.closest("chat-message"));
  }

  // Touch ----------------------------------------------------------------------------------------

  /** Open from the "⋯" button, which replaces hovering on touch screens. */
  #openFrom(button) {
    if (!button) return;
    this.moveTo(button.closest("chat-message"));
    this.querySelector("button:not([hidden])").focus();
  }

  #pressed({ target, pointerType, clientX, clientY }) {
    const message = target.closest("chat-message");
    this.#longPressed = null;
    if (pointerType !== "touch" || !message || this.contains(target)) return;
    clearTimeout(this.#pressTimer);
    const reaction = target.closest(".reaction");
    this.#pressTimer = setTimeout(() => (reaction ? this.#nameUsers(reaction) : this.#openOn(message)), LONG_PRESS);
    const stop = ({ type, clientX: x, clientY: y }) => {
      if (type === "pointermove" && Math.hypot(x - clientX, y - clientY) < MAX_MOVE) return;
      clearTimeout(this.#pressTimer);
      for (const name of ENDS) removeEventListener(name, stop);
    };
    for (const name of ENDS) addEventListener(name, stop, { passive: true });
  }

  #openOn(message) {
    this.#longPressed = message;
    this.moveTo(message);
  }

  #nameUsers(reaction) {
    this.#longPressed = reaction;
    document.querySelector("toast-line").show(reaction.title);
  }

  #ignoreRelease(event) {
    const isRelease = this.#longPressed?.contains(event.target);
    this.#longPressed = null;
    if (!isRelease) return;
    event.preventDefault(); // on a link
    event.stopPropagation();
  }

  // Keys -----------------------------------------------------------------------------------------

  #moveFocus(event) {
    const current = event.target.closest("chat-message");
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!current || step === undefined || event.altKey) return;
    event.preventDefault();
    const all = [...this.#rows.querySelectorAll("chat-message")];
    all[all.indexOf(current) + step]?.focus();
  }

  // Actions --------------------------------------------------------------------------------------

  #clicked(button) {
    const row = this.closest("chat-message");
    if (!button || !row) return;
    const { seq, reactions } = row.message;
    const { action, emoji } = button.dataset;
    if (action === "pick") return;
    if (action === "react") {
      this.#picker.hidePopover();
      const on = !(reactions[emoji] ?? []).includes(me.name);
      emit(row, "message:react", { seq, emoji, on });
      row.focus();
    } else {
      if (action !== "remove" && NO_HOVER.matches) this.#collapse(row);
      emit(row, `message:${action}`, { seq });
    }
  }

  /** Hide the actions after a touch, because a finger does not leave the message as a pointer does. */
  #collapse(row) {
    row.querySelector(".message-more").focus();
    this.moveTo(null);
  }

  /** Place the picker above the button if there is space, otherwise below. */
  #positionPicker() {
    if (!this.#picker.matches(":popover-open")) return;
    const button = this.#opener.getBoundingClientRect();
    const { width, height } = this.#picker.getBoundingClientRect();
    const top = button.top > height + 8 ? button.top - height - 6 : button.bottom + 6;
    const left = Math.min(Math.max(8, button.right - width), innerWidth - width - 8);
    this.#picker.style.setProperty("inset-block-start", `${top}px`);
    this.#picker.style.setProperty("inset-inline-start", `${left}px`);
    this.#picker.querySelector("button").focus();
  }
}

function setTabIndex(element, value) {
  for (const control of element?.querySelectorAll(CONTROLS) ?? []) control.tabIndex = value;
}

const ENDS = ["pointerup", "pointercancel", "pointermove"];

customElements.define("message-actions", MessageActions);
