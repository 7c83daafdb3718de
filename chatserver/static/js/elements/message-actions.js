/**
 * <message-actions>: what one can do with a message. There is one; it goes to the message that is under
 * the pointer, has the focus, or was pressed long or on its "⋯". Arrow keys go from message to message. A long press on
 * a reaction says who reacted.
 *
 * Sends, from that message: `message:react` {seq, emoji, on}, `message:answer` {seq}, `message:edit`
 * {seq}, `message:remove` {seq}, `message:copy` {seq}, `message:link` {seq}. Owned by <message-list>, which says `rights`.
 */

import { say } from "../ui/dom.js";
import { me } from "../ui/page.js";

const LONG = 450; // milliseconds of a long press
const WOBBLE = 10; // pixels that a resting finger moves
const NO_HOVER = matchMedia("(hover: none)");

class MessageActions extends HTMLElement {
  /** {member, governs, open}: of the room; may delete what others wrote; whether the room takes changes. */
  rights = { member: true, governs: false, open: true };

  #list = this.parentElement;
  #rows = this.#list.querySelector(".messages-rows");
  #picker = this.querySelector(".emoji-picker");
  #opener = this.querySelector("[data-deed=pick]");
  #press = 0;
  #named = null; // the reaction whose long press said who reacted: the click that ends it does nothing
  #pointer = ""; // where the pointer was last

  connectedCallback() {
    if (this.dataset.ready) return; // it is moved, and that connects it again
    this.dataset.ready = "true";
    this.#rows.addEventListener("pointermove", (event) => this.#moved(event) && this.#follow(event));
    this.#rows.addEventListener("focusin", (event) => this.#follow(event));
    this.#rows.addEventListener("keydown", (event) => this.#move(event));
    this.#rows.addEventListener("pointerdown", (event) => this.#pressed(event));
    this.#rows.addEventListener("click", (event) => this.#ignoreRelease(event), { capture: true });
    this.#rows.addEventListener("click", ({ target }) => this.#unfold(target.closest(".message-more")));
    this.#list.addEventListener("pointerleave", ({ pointerType }) => pointerType !== "touch" && this.#rest());
    document.addEventListener("pointerdown", ({ target, pointerType }) => {
      if (pointerType === "touch" && !this.parentElement?.contains(target)) this.at(null);
    });
    this.addEventListener("click", ({ target }) => this.#clicked(target.closest("button")));
    this.#picker.addEventListener("toggle", () => this.#place());
  }

  /** Beside `message`; away without one. */
  at(message) {
    if (this.#picker.matches(":popover-open") || this.parentElement === message) return;
    if (!message?.message?.seq || message.message.deleted) {
      this.#list.append(this);
      return;
    }
    const { own } = message.message;
    const { member, governs, open } = this.rights;
    this.#show("edit", member && own && open);
    this.#show("remove", member && (own || governs));
    for (const deed of ["pick", "answer"]) this.#show(deed, member && open);
    message.append(this);
  }

  #show(deed, shown) {
    this.querySelector(`[data-deed=${deed}]`).hidden = !shown;
  }

  /** What scrolls by under a resting mouse is not what is meant. */
  #moved({ pointerType, clientX, clientY }) {
    const place = `${clientX} ${clientY}`;
    const moved = pointerType !== "touch" && place !== this.#pointer;
    this.#pointer = place;
    return moved;
  }

  #follow({ target }) {
    if (target.closest(".message-more")) return; // its click comes
    const message = target.closest("chat-message");
    const focused = document.activeElement?.closest("chat-message");
    if (message && (!focused || focused === message || !this.contains(document.activeElement))) this.at(message);
  }

  #rest() {
    if (!this.contains(document.activeElement)) this.at(document.activeElement?.closest("chat-message"));
  }

  // Touch ----------------------------------------------------------------------------------------

  /** The button that fingers have instead of hovering. */
  #unfold(button) {
    if (!button) return;
    this.at(button.closest("chat-message"));
    this.querySelector("button:not([hidden])").focus();
  }

  #pressed({ target, pointerType, clientX, clientY }) {
    const message = target.closest("chat-message");
    this.#named = null;
    if (pointerType !== "touch" || !message || this.contains(target)) return;
    clearTimeout(this.#press);
    const reaction = target.closest(".reaction");
    this.#press = setTimeout(() => (reaction ? this.#nameUsers(reaction) : this.at(message)), LONG);
    const stop = ({ type, clientX: x, clientY: y }) => {
      if (type === "pointermove" && Math.hypot(x - clientX, y - clientY) < WOBBLE) return;
      clearTimeout(this.#press);
      for (const name of ENDS) removeEventListener(name, stop);
    };
    for (const name of ENDS) addEventListener(name, stop, { passive: true });
  }

  #nameUsers(reaction) {
    this.#named = reaction;
    document.querySelector("toast-line").say(reaction.title);
  }

  #ignoreRelease(event) {
    const isRelease = this.#named !== null && event.target.closest(".reaction") === this.#named;
    this.#named = null;
    if (isRelease) event.stopPropagation();
  }

  // Keys -----------------------------------------------------------------------------------------

  #move(event) {
    const here = event.target.closest("chat-message");
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!here || step === undefined || event.altKey) return;
    event.preventDefault();
    const all = [...this.#rows.querySelectorAll("chat-message")];
    all[all.indexOf(here) + step]?.focus();
  }

  // Doing ----------------------------------------------------------------------------------------

  #clicked(button) {
    const row = this.closest("chat-message");
    if (!button || !row) return;
    const { seq, reactions } = row.message;
    const { deed, emoji } = button.dataset;
    if (deed === "pick") return;
    if (deed === "react") {
      this.#picker.hidePopover();
      const on = !(reactions[emoji] ?? []).includes(me.name);
      say(row, "message:react", { seq, emoji, on });
      row.focus();
    } else {
      if (deed !== "remove" && NO_HOVER.matches) this.#fold(row);
      say(row, `message:${deed}`, { seq });
    }
  }

  /** Fingers do not leave a message: without this the actions would stay over its text. */
  #fold(row) {
    row.querySelector(".message-more").focus();
    this.at(null);
  }

  /** Above the button where there is room, else below it. */
  #place() {
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

const ENDS = ["pointerup", "pointercancel", "pointermove"];

customElements.define("message-actions", MessageActions);
