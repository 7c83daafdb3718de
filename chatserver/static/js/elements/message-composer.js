/**
 * <message-composer>: the text box for new messages, replies and edits. For each conversation it stores the text and
 * the message that it replies to or edits, also over a reload. Never disabled; <room-banner> replaces it where the user
 * cannot write.
 *
 * Dispatches `message:send` {key, text, replyTo, files} and `message:save` {key, seq, text} to the conversation that it
 * names, `edit:requested` {key} for the user's last message, `draft:changed` {key} while a new message is written,
 * `quote:requested` {seq} for a message that is answered and not loaded, `message:remove` {seq, done} when the text of
 * an edit was deleted, `target:changed` when another message, or none, is answered or edited.
 */

import { emit } from "../ui/dom.js";
import { Composition } from "../state/composition.js";
import { attachments } from "../state/attachments.js";
import { drafts } from "../state/drafts.js";
import { enterKey } from "../ui/enter-key.js";
import { _ } from "../lib/i18n.js";
import { isComposing, isSendKey } from "../lib/keys.js";
import { plainText } from "../lib/markup.js";
import { trimmed, wellFormed } from "../lib/text.js";

const TOUCH = matchMedia("(hover: none) and (pointer: coarse)");
const HAS_FIELD_SIZING = CSS.supports("field-sizing", "content");
const COUNT_FROM = 200; // remaining characters from which their number is shown
const MAX_QUOTE_LENGTH = 200; // characters

class MessageComposer extends HTMLElement {
  limit = 4_000; // characters; set from the welcome

  #form = this.querySelector("form");
  #box = this.querySelector("textarea");
  #count = this.querySelector(".composer-count");
  #over = this.querySelector(".composer-over");
  #strip = this.querySelector(".composer-strip");
  #composition = new Composition({
    replaceText: (text) => this.#fill(text),
    targetChanged: () => this.#targetChanged(),
  });
  #requested = null; // the target whose message was requested
  #messages = { epoch: null, find: () => undefined, display: (name) => name };

  connectedCallback() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#box.addEventListener("input", () => this.#typed());
    this.#box.addEventListener("keydown", (event) => this.#pressed(event));
    this.querySelector(".strip-cancel").addEventListener("click", () => this.cancel());
    drafts.addEventListener("draft:replaced", () => this.#reload());
    attachments.addEventListener("attachments:changed", () => this.#showState());
  }

  /** The limits of the server, from a welcome. */
  setLimits({ message_chars: limit = this.limit, file_bytes: bytes = 0, files_per_message: count = 0 }) {
    this.limit = limit;
    attachments.limits = { bytes, count };
    this.querySelector(".composer-add").hidden = count === 0;
    this.querySelector(".composer-voice").hidden = count === 0 || !navigator.mediaDevices || !globalThis.MediaRecorder;
    this.dataset.limits = "known";
  }

  /**
   * Show the stored text of a conversation. `label`: its shown name, after "#" for a room. `messages`: {epoch, find(seq), display(user)}; `epoch` is null
   * before the first welcome.
   */
  open(key, label, messages) {
    this.#messages = messages;
    if (key !== this.#composition.key) {
      attachments.open(key);
      this.#composition.open(key);
      if (!TOUCH.matches) this.focus();
    }
    this.#composition.checkEpoch(messages.epoch);
    this.#composition.checkDeleted(messages.find);
    this.#showStrip();
    const [isNamed, name] = label.startsWith("#") ? [true, label.slice(1)] : [false, label];
    this.#box.placeholder = isNamed ? _("Message #%(name)s", { name }) : _("Message %(name)s", { name });
  }

  /** Another tab has changed or sent the text. */
  #reload() {
    this.#composition.reload();
    this.#showStrip();
  }

  /** Make the draft a reply to message `seq`. An edit in progress is continued afterwards. */
  answer(seq) {
    this.#composition.begin({ kind: "answer", seq, epoch: this.#messages.epoch });
    this.focus();
  }

  /**
   * Edit message `seq` of this user, with its stored text, or `text`. `again`: always with `text`. A reply or another
   * edit in progress is continued afterwards.
   */
  edit({ seq, text, again = false }) {
    this.#composition.begin({ kind: "edit", seq, epoch: this.#messages.epoch, was: text }, again ? text : undefined);
    this.focus();
    this.#box.setSelectionRange(this.text.length, this.text.length);
  }

  /** Cancel a reply or an edit, whose text is discarded, and continue what it interrupted. Returns whether there was one. */
  cancel() {
    if (!this.#composition.target) return false;
    this.#composition.end();
    this.focus();
    return true;
  }

  /** Where nothing can be written, on the banner about that. */
  focus() {
    (this.hidden ? this.previousElementSibling : this.#box).focus({ preventScroll: true });
  }

  /** Insert `text` at the cursor, after a space if a word precedes it. */
  insert(text) {
    this.focus();
    const { selectionStart: start, selectionEnd: end, value } = this.#box;
    this.#box.setRangeText(/\S$/.test(value.slice(0, start)) ? ` ${text}` : text, start, end, "end");
    this.#box.dispatchEvent(new Event("input", { bubbles: true }));
  }

  get text() {
    return this.#box.value;
  }

  /** Append text that was not sent to the draft, also during an edit. `target`: see drafts.js; used if there is none. */
  restore(text, target) {
    this.#composition.restore(text, target);
    this.focus();
  }

  /** The `seq` of the message that is being edited, or null. */
  get editing() {
    return this.#composition.isEdit && !this.hidden ? this.#composition.target.seq : null;
  }

  #pressed(event) {
    if (event.defaultPrevented) return; // handled by <completion-list>
    if (isSendKey(event, { breaks: enterKey() === "breaks" })) {
      event.preventDefault();
      if (!event.repeat) this.#send(); // the key was held since before this conversation was opened
    } else if (event.key === "Escape" && !isComposing(event) && this.cancel()) {
      event.preventDefault();
    } else if (event.key === "ArrowUp" && !this.#box.value && !event.altKey && !this.#composition.target) {
      event.preventDefault();
      emit(this, "edit:requested", { key: this.#composition.key });
    }
  }

  #send() {
    const text = wellFormed(trimmed(this.#box.value));
    const { key, target, isEdit } = this.#composition;
    const files = isEdit ? (this.#messages.find(target.seq)?.files ?? []) : attachments.of(key);
    if (!text && isEdit && files.length === 0) this.#removeEdited(target);
    if ((!text && files.length === 0) || this.#remaining() < 0 || key === null || this.hidden) return;
    if (isEdit) {
      this.cancel();
      emit(this, "message:save", { key, seq: target.seq, text });
    } else {
      this.#composition.send(text);
      emit(this, "message:send", { key, text, replyTo: target?.kind === "answer" ? target.seq : undefined, files: attachments.removeAll(key) });
    }
    this.focus();
  }

  #removeEdited(target) {
    emit(this, "message:remove", { seq: target.seq, done: () => this.#composition.target === target && this.cancel() });
  }

  #targetChanged() {
    emit(this, "target:changed");
    this.#showStrip();
  }

  #showStrip() {
    const { target, isEdit } = this.#composition;
    this.#strip.hidden = target === null;
    this.dataset.edits = String(isEdit);
    if (this.#strip.hidden) return;
    const { find, display } = this.#messages;
    const isAnswer = target.kind === "answer";
    const message = isAnswer ? find(target.seq) : undefined;
    if (isAnswer && !message) this.#requestQuote();
    const name = message && display(message.user);
    this.#strip.querySelector(".strip-title").textContent = TITLES[target.kind](name);
    this.#strip.querySelector(".strip-text").textContent = message ? plainText(message).slice(0, MAX_QUOTE_LENGTH) : "";
  }

  /** Request the quoted message, once, because it may not exist. */
  #requestQuote() {
    const { target } = this.#composition;
    if (this.#messages.epoch === null || this.#requested === target) return;
    this.#requested = target;
    emit(this, "quote:requested", { seq: target.seq });
  }

  #remaining() {
    return this.limit - Array.from(trimmed(this.#box.value)).length;
  }

  #fill(text) {
    this.#box.value = text;
    this.#box.dispatchEvent(new Event("text:replaced"));
    this.#changed();
  }

  #typed() {
    this.#changed();
    if (!this.#composition.isEdit && this.#box.value.trim()) emit(this, "draft:changed", { key: this.#composition.key });
  }

  /** Whether there is anything to send. */
  #showState() {
    const { isEdit } = this.#composition;
    this.#form.dataset.empty = String(!this.#box.value.trim() && (isEdit || attachments.shown.length === 0));
  }

  #changed() {
    this.#composition.write(this.#box.value);
    const remaining = this.#remaining();
    this.#showState();
    this.#count.textContent = remaining <= COUNT_FROM ? remaining : "";
    this.#count.dataset.over = String(remaining < 0);
    const text = _("This message is too long: %(num)s characters can be sent at once.", { num: this.limit });
    this.#over.textContent = remaining < 0 ? text : ""; // without the count, so that it is announced once and not at each key press
    if (HAS_FIELD_SIZING) return;
    this.#box.style.height = "auto";
    this.#box.style.height = `${this.#box.scrollHeight + 2}px`;
  }
}

const TITLES = {
  answer: (name) => (name ? _("Replying to %(name)s", { name }) : _("Replying")),
  edit: () => _("Editing your message"),
  deleted: () => _("This becomes a new message: the old one was deleted."),
  unanswered: () => _("This becomes a new message: the one that you reply to was deleted."),
};

customElements.define("message-composer", MessageComposer);
