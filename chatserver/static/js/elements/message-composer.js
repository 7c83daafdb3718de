/**
 * <message-composer>: the text box for new messages, replies and edits. For each conversation it stores the text and the
 * message that it replies to or edits, also over a reload. Never disabled; <room-notice> replaces it where the user cannot
 * write.
 *
 * Dispatches `message:send` {key, text, replyTo} and `message:save` {key, seq, text} to the conversation that it
 * names, `edit:requested` {key} for the user's last message, `draft:changed` {key} while a new message is written,
 * `quote:requested` {seq} for a message that is answered and not loaded, `message:remove` {seq, done} when the text of an edit
 * was deleted, `topic:changed` when another message, or none, is answered or edited.
 */

import { emit } from "../ui/dom.js";
import { drafts } from "../state/drafts.js";
import { enterKey } from "../ui/enter-key.js";
import { _ } from "../lib/i18n.js";
import { isComposing, sends } from "../lib/keys.js";
import { plain } from "../lib/markup.js";
import { trimmed, wellFormed } from "../lib/text.js";

const TOUCH = matchMedia("(hover: none) and (pointer: coarse)");
const HAS_FIELD_SIZING = CSS.supports("field-sizing", "content");
const COUNTED = 200; // characters before the limit from which the remaining number is shown

class MessageComposer extends HTMLElement {
  limit = 4_000; // characters; set from the welcome

  #form = this.querySelector("form");
  #box = this.querySelector("textarea");
  #count = this.querySelector(".composer-count");
  #over = this.querySelector(".composer-over");
  #strip = this.querySelector(".composer-strip");
  #key = null;
  #topic = null; // the message that is replied to or edited, see drafts.js
  #requested = null; // the topic whose message was requested
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
  }

  /**
   * Show the stored text of a conversation. `messages`: {epoch, find(seq), display(user)}; `epoch` is null
   * before the first welcome.
   */
  open(key, name, messages) {
    this.#messages = messages;
    if (key !== this.#key) {
      this.#key = key;
      drafts.open(key);
      this.#topic = drafts.topic(key);
      this.#fill(drafts.text(key));
      if (!TOUCH.matches) this.focus();
    }
    this.#checkEpoch();
    this.#checkDeleted();
    this.#showStrip();
    this.#box.placeholder = key.startsWith("@") ? _("Message %(name)s", { name }) : _("Message #%(name)s", { name });
  }

  /** Another tab has changed or sent the text. */
  #reload() {
    this.#topic = drafts.topic(this.#key);
    this.#fill(drafts.text(this.#key));
    this.#showStrip();
  }

  /** Make the draft a reply to message `seq`. An edit in progress is continued afterwards. */
  answer(seq) {
    this.#begin({ kind: "answer", seq, epoch: this.#messages.epoch });
    this.focus();
  }

  /**
   * Edit message `seq` of this user, with its stored text, or `text`. `again`: always with `text`. A reply or another edit in
   * progress is continued afterwards.
   */
  edit({ seq, text, again = false }) {
    const topic = { kind: "edit", seq, epoch: this.#messages.epoch, was: text };
    if (again) drafts.writeEdit(this.#key, { ...topic, was: null }, text);
    this.#begin(topic);
    this.focus();
    this.#box.setSelectionRange(this.text.length, this.text.length);
  }

  /** Cancel a reply or an edit, whose text is discarded, and continue what it interrupted. Returns whether there was one. */
  cancel() {
    if (!this.#topic) return false;
    if (this.#isEdit) drafts.writeEdit(this.#key, this.#topic, "");
    this.#setTopic(this.#interrupted);
    this.focus();
    return true;
  }

  /** Where nothing can be written, on the notice about that. */
  focus() {
    (this.hidden ? this.previousElementSibling : this.#box).focus({ preventScroll: true });
  }

  get text() {
    return this.#box.value;
  }

  /** Append text that was not sent to the draft, also during an edit. `topic`: see drafts.js; used if there is none. */
  restore(text, topic) {
    const draft = [drafts.read(this.#key), text].filter(Boolean).join("\n");
    drafts.write(this.#key, draft);
    if (!this.#isEdit) this.#fill(draft);
    if (topic && !this.#topic) this.#setTopic(topic);
    this.focus();
  }

  /** The `seq` of the message that is being edited, or null. */
  get editing() {
    return this.#isEdit && !this.hidden ? this.#topic.seq : null;
  }

  get #isEdit() {
    return this.#topic?.kind === "edit";
  }

  /** Start a topic and interrupt the present one; a new reply replaces another one. */
  #begin(topic) {
    const { waiting = [], ...current } = this.#topic ?? {};
    const isLeft = ({ kind, seq }) =>
      kind === "edit" ? topic.kind !== kind || topic.seq !== seq : topic.kind === "edit" && kind !== undefined;
    const isKept = (one) => one.kind !== "edit" || drafts.readEdit(this.#key, one) !== "";
    this.#setTopic({ ...topic, waiting: [...waiting, current].filter((one) => isLeft(one) && isKept(one)) });
  }

  /** The topic that the present one has interrupted, or null. */
  get #interrupted() {
    const waiting = this.#topic?.waiting ?? [];
    return waiting.length > 0 ? { ...waiting.at(-1), waiting: waiting.slice(0, -1) } : null;
  }

  /** Set the topic; the text of the previous topic stays stored. */
  #setTopic(topic) {
    const refill = this.#isEdit || topic?.kind === "edit";
    this.#topic = topic;
    drafts.setTopic(this.#key, topic);
    emit(this, "topic:changed");
    if (refill) this.#fill(drafts.text(this.#key));
    this.#showStrip();
  }

  /** Drop a topic of another log: after a restored backup its seq belongs to another message. */
  #checkEpoch() {
    const { epoch } = this.#messages;
    if (!this.#topic || epoch === null || this.#topic.epoch === epoch) return;
    const text = this.#isEdit ? drafts.readEdit(this.#key, this.#topic) : "";
    if (this.#isEdit) drafts.writeEdit(this.#key, this.#topic, "");
    this.#setTopic(this.#interrupted);
    if (text) this.restore(text);
  }

  /** Keep the text as a new message when the message that it replies to or edits has been deleted. */
  #checkDeleted() {
    const { kind, seq } = this.#topic ?? {};
    if (!LOST[kind] || !this.#messages.find(seq)?.deleted_at) return;
    const topic = { ...this.#topic, kind: LOST[kind] };
    if (kind === "answer") return void this.#setTopic(topic);
    const text = drafts.readEdit(this.#key, this.#topic);
    drafts.writeEdit(this.#key, this.#topic, "");
    this.#setTopic(this.#interrupted);
    if (!text) return;
    const draft = [drafts.read(this.#key), text].filter(Boolean).join("\n");
    drafts.write(this.#key, draft);
    if (!this.#isEdit) this.#fill(draft);
    if (!this.#topic) this.#setTopic(topic);
  }

  #pressed(event) {
    if (event.defaultPrevented) return; // handled by <completion-list>
    if (sends(event, { breaks: enterKey() === "breaks" })) {
      event.preventDefault();
      if (!event.repeat) this.#send(); // the key was held since before this conversation was opened
    } else if (event.key === "Escape" && !isComposing(event) && this.cancel()) {
      event.preventDefault();
    } else if (event.key === "ArrowUp" && !this.#box.value && !event.altKey && !this.#topic) {
      event.preventDefault();
      emit(this, "edit:requested", { key: this.#key });
    }
  }

  #send() {
    const text = wellFormed(trimmed(this.#box.value));
    if (!text && this.#isEdit) this.#removeEdited(this.#topic);
    if (!text || this.#remaining() < 0 || this.#key === null || this.hidden) return;
    const { kind, seq } = this.#topic ?? {};
    if (kind === "edit") {
      this.cancel();
      emit(this, "message:save", { key: this.#key, seq, text });
    } else {
      this.#fill("");
      this.#setTopic(this.#interrupted);
      drafts.sent(this.#key, text);
      emit(this, "message:send", { key: this.#key, text, replyTo: kind === "answer" ? seq : undefined });
    }
    this.focus();
  }

  #removeEdited(topic) {
    emit(this, "message:remove", { seq: topic.seq, done: () => this.#topic === topic && this.cancel() });
  }

  #showStrip() {
    this.#strip.hidden = this.#topic === null;
    this.dataset.edits = String(this.#isEdit);
    if (this.#strip.hidden) return;
    const { find, display } = this.#messages;
    const isAnswer = this.#topic.kind === "answer";
    const message = isAnswer ? find(this.#topic.seq) : undefined;
    if (isAnswer && !message) this.#requestQuote();
    const name = message && display(message.user);
    this.#strip.querySelector(".strip-title").textContent = TITLES[this.#topic.kind](name);
    this.#strip.querySelector(".strip-text").textContent = message ? plain(message).slice(0, COUNTED) : "";
  }

  /** Request the quoted message, once, because it may not exist. */
  #requestQuote() {
    if (this.#messages.epoch === null || this.#requested === this.#topic) return;
    this.#requested = this.#topic;
    emit(this, "quote:requested", { seq: this.#topic.seq });
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
    if (!this.#isEdit && this.#box.value.trim()) emit(this, "draft:changed", { key: this.#key });
  }

  #changed() {
    if (this.#isEdit) drafts.writeEdit(this.#key, this.#topic, this.#box.value);
    else drafts.write(this.#key, this.#box.value);
    const remaining = this.#remaining();
    this.#form.dataset.empty = String(!this.#box.value.trim());
    this.#count.textContent = remaining <= COUNTED ? remaining : "";
    this.#count.dataset.over = String(remaining < 0);
    const text = _("This message is too long: %(num)s characters can be sent at once.", { num: this.limit });
    this.#over.textContent = remaining < 0 ? text : ""; // without the count, so that it is announced once and not at each key press
    if (HAS_FIELD_SIZING) return;
    this.#box.style.height = "auto";
    this.#box.style.height = `${this.#box.scrollHeight + 2}px`;
  }
}

const LOST = { answer: "unanswered", edit: "deleted" }; // kinds of topics, and what they become when the message is deleted

const TITLES = {
  answer: (name) => (name ? _("Replying to %(name)s", { name }) : _("Replying")),
  edit: () => _("Editing your message"),
  deleted: () => _("This becomes a new message: the old one was deleted."),
  unanswered: () => _("This becomes a new message: the one that you reply to was deleted."),
};

customElements.define("message-composer", MessageComposer);
