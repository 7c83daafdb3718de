/**
 * <message-composer>: where one writes, answers and edits. Keeps a draft for each conversation. Never
 * disabled; <room-notice> takes its place where nothing can be written.
 *
 * Sends `message:send` {key, text, replyTo} and `message:save` {key, seq, text} to the conversation that it
 * names, `edit:wanted` {key} for one's last message, `draft:changed` {key} while one writes something new.
 */

import { say } from "../dom.js";
import { drafts } from "../drafts.js";
import { _ } from "../lib/i18n.js";
import { isComposing, sends } from "../lib/keys.js";
import { wellFormed } from "../lib/text.js";
import { recall } from "../local.js";

const TOUCH = matchMedia("(hover: none) and (pointer: coarse)");
const GROWS = CSS.supports("field-sizing", "content");
const WARN = 200; // characters before the limit at which the count appears

class MessageComposer extends HTMLElement {
  limit = 4_000; // characters; `welcome` tells

  #form = this.querySelector("form");
  #box = this.querySelector("textarea");
  #count = this.querySelector(".composer-count");
  #over = this.querySelector(".composer-over");
  #strip = this.querySelector(".composer-strip");
  #key = null;
  #about = null; // {kind: "answer" | "edit", seq}: the message that this is about

  connectedCallback() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#box.addEventListener("input", () => this.#typed());
    this.#box.addEventListener("keydown", (event) => this.#pressed(event));
    this.querySelector(".strip-cancel").addEventListener("click", () => this.cancel());
  }

  /** Another conversation: its name, its draft. */
  open(key, name) {
    if (key !== this.#key) {
      this.#leaveMessage();
      this.#key = key;
      this.#fill(drafts.read(key));
      if (!TOUCH.matches) this.focus();
    }
    this.#box.placeholder = key.startsWith("@") ? _("Message %(name)s", { name }) : _("Message #%(name)s", { name });
  }

  /** The next message answers `seq`, of which the strip tells. */
  answer({ seq, author, text }) {
    this.#about = { kind: "answer", seq };
    this.#showStrip(_("Reply to %(name)s", { name: author }), text);
    this.focus();
  }

  /** The text of one's message `seq`, to be changed. */
  edit({ seq, text }) {
    this.#about = { kind: "edit", seq };
    this.#showStrip(_("Edit the message"), "");
    this.#fill(text);
    this.focus();
    this.#box.setSelectionRange(text.length, text.length);
  }

  /** Back to a message that is about nothing, with its draft. Says whether there was anything. */
  cancel() {
    if (!this.#about) return false;
    const wasEdit = this.#about.kind === "edit";
    this.#leaveMessage();
    if (wasEdit) this.#fill(drafts.read(this.#key));
    this.focus();
    return true;
  }

  focus() {
    this.#box.focus({ preventScroll: true });
  }

  get text() {
    return this.#box.value;
  }

  /** Nothing is being written, and no message is being answered or edited. */
  get isIdle() {
    return !this.#about && !this.text.trim();
  }

  /** A text that was not sent, behind the draft; during an edit it waits there. */
  restore(text) {
    const draft = [drafts.read(this.#key), text].filter(Boolean).join("\n");
    drafts.write(this.#key, draft);
    if (this.#about?.kind !== "edit") this.#fill(draft);
    this.focus();
  }

  #pressed(event) {
    if (event.defaultPrevented) return; // the list of what fits took it
    if (sends(event, { breaks: TOUCH.matches || recall("enter") === "breaks" })) {
      event.preventDefault();
      if (!event.repeat) this.#send(); // a held key was meant for what opened this conversation
    } else if (event.key === "Escape" && !isComposing(event) && this.cancel()) {
      event.preventDefault();
    } else if (event.key === "ArrowUp" && !this.#box.value && !event.altKey && !this.#about) {
      event.preventDefault();
      say(this, "edit:wanted", { key: this.#key });
    }
  }

  #send() {
    const text = wellFormed(this.#box.value.trim());
    if (!text || this.#left() < 0 || this.#key === null || this.hidden) return;
    const about = this.#about;
    this.#leaveMessage();
    if (about?.kind === "edit") {
      this.#fill(drafts.read(this.#key));
      say(this, "message:save", { key: this.#key, seq: about.seq, text });
    } else {
      this.#fill("");
      say(this, "message:send", { key: this.#key, text, replyTo: about?.seq });
    }
    this.focus();
  }

  #showStrip(title, text) {
    this.#strip.hidden = false;
    this.#strip.querySelector(".strip-title").textContent = title;
    this.#strip.querySelector(".strip-text").textContent = text.slice(0, WARN);
  }

  #leaveMessage() {
    this.#about = null;
    this.#strip.hidden = true;
  }

  #left() {
    return this.limit - Array.from(this.#box.value.trim()).length;
  }

  #fill(text) {
    this.#box.value = text;
    this.#box.dispatchEvent(new Event("text:replaced"));
    this.#changed();
  }

  #typed() {
    this.#changed();
    if (this.#about?.kind !== "edit" && this.#box.value.trim()) say(this, "draft:changed", { key: this.#key });
  }

  #changed() {
    if (this.#about?.kind !== "edit") drafts.write(this.#key, this.#box.value);
    const left = this.#left();
    this.#form.dataset.empty = String(!this.#box.value.trim());
    this.#count.textContent = left <= WARN ? left : "";
    this.#count.dataset.over = String(left < 0);
    const words = _("This message is too long: %(num)s characters can be sent at once.", { num: this.limit });
    this.#over.textContent = left < 0 ? words : ""; // without the count: it is read out once, not at each key
    if (GROWS) return;
    this.#box.style.height = "auto";
    this.#box.style.height = `${this.#box.scrollHeight + 2}px`;
  }
}

customElements.define("message-composer", MessageComposer);
