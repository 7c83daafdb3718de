/**
 * <message-composer>: the box for new messages, replies and edits. For each conversation the text and the message
 * that it is about are kept, also over a reload. Never disabled; <room-notice> takes its place where nothing can be
 * written.
 *
 * Sends `message:send` {key, text, replyTo} and `message:save` {key, seq, text} to the conversation that it
 * names, `edit:wanted` {key} for the user's last message, `draft:changed` {key} while a new message is written,
 * `quote:wanted` {seq} for a message that is answered and not loaded, `message:remove` {seq, done} when the text of an edit
 * was deleted, `topic:changed` when another message, or none, is answered or edited.
 */

import { say } from "../ui/dom.js";
import { drafts } from "../state/drafts.js";
import { enterKey } from "../ui/enter-key.js";
import { _ } from "../lib/i18n.js";
import { isComposing, sends } from "../lib/keys.js";
import { plain } from "../lib/markup.js";
import { trimmed, wellFormed } from "../lib/text.js";

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
  #topic = null; // the message that the text is about, as drafts.js has it
  #wanted = null; // the topic whose message was asked for
  #messages = { epoch: null, find: () => undefined, display: (name) => name };

  connectedCallback() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#box.addEventListener("input", () => this.#typed());
    this.#box.addEventListener("keydown", (event) => this.#pressed(event));
    this.querySelector(".strip-cancel").addEventListener("click", () => this.cancel());
  }

  /**
   * Shows the text that is kept for a conversation. `messages`: {epoch, find(seq), display(user)}; `epoch` is null
   * before the first welcome.
   */
  open(key, name, messages) {
    this.#messages = messages;
    if (key !== this.#key) {
      this.#key = key;
      this.#topic = drafts.topic(key);
      this.#fill(drafts.text(key));
      if (!TOUCH.matches) this.focus();
    }
    this.#checkEpoch();
    this.#showStrip();
    this.#box.placeholder = key.startsWith("@") ? _("Message %(name)s", { name }) : _("Message #%(name)s", { name });
  }

  /** Makes the draft a reply to message `seq`. An edit in progress is continued afterwards. */
  answer(seq) {
    this.#begin({ kind: "answer", seq, epoch: this.#messages.epoch });
    this.focus();
  }

  /**
   * Edits message `seq` of this user: its kept text, or `text`. `again`: `text` in any case. A reply or another edit in
   * progress is continued afterwards.
   */
  edit({ seq, text, again = false }) {
    const topic = { kind: "edit", seq, epoch: this.#messages.epoch, was: text };
    if (again) drafts.writeEdit(this.#key, { ...topic, was: null }, text);
    this.#begin(topic);
    this.focus();
    this.#box.setSelectionRange(this.text.length, this.text.length);
  }

  /** Back to what was in progress before, or to a new message. Discards the text of an edit. Returns whether there was a topic. */
  cancel() {
    if (!this.#topic) return false;
    if (this.#isEdit) drafts.writeEdit(this.#key, this.#topic, "");
    this.#turnTo(this.#interrupted);
    this.focus();
    return true;
  }

  focus() {
    this.#box.focus({ preventScroll: true });
  }

  get text() {
    return this.#box.value;
  }

  /** A text that was not sent, behind the draft; during an edit it waits there. `topic` as drafts.js has it, unless there is one. */
  restore(text, topic) {
    const draft = [drafts.read(this.#key), text].filter(Boolean).join("\n");
    drafts.write(this.#key, draft);
    if (!this.#isEdit) this.#fill(draft);
    if (topic && !this.#topic) this.#turnTo(topic);
    this.focus();
  }

  /** The `seq` of the message that is being edited, or null. */
  get editing() {
    return this.#isEdit && !this.hidden ? this.#topic.seq : null;
  }

  get #isEdit() {
    return this.#topic?.kind === "edit";
  }

  /** Interrupts what is in progress; a new reply replaces another one. */
  #begin(topic) {
    const { waiting = [], ...current } = this.#topic ?? {};
    const isLeft = ({ kind, seq }) =>
      kind === "edit" ? topic.kind !== kind || topic.seq !== seq : topic.kind === "edit" && kind !== undefined;
    const isKept = (one) => one.kind !== "edit" || drafts.readEdit(this.#key, one) !== "";
    this.#turnTo({ ...topic, waiting: [...waiting, current].filter((one) => isLeft(one) && isKept(one)) });
  }

  /** The topic that was interrupted by the present one, or null. */
  get #interrupted() {
    const waiting = this.#topic?.waiting ?? [];
    return waiting.length > 0 ? { ...waiting.at(-1), waiting: waiting.slice(0, -1) } : null;
  }

  /** The text that belongs to the topic of before stays where it is kept. */
  #turnTo(topic) {
    const refill = this.#isEdit || topic?.kind === "edit";
    this.#topic = topic;
    drafts.setTopic(this.#key, topic);
    say(this, "topic:changed");
    if (refill) this.#fill(drafts.text(this.#key));
    this.#showStrip();
  }

  /** In the log of a restored backup the number of the message is another message's. */
  #checkEpoch() {
    const { epoch } = this.#messages;
    if (!this.#topic || epoch === null || this.#topic.epoch === epoch) return;
    const text = this.#isEdit ? drafts.readEdit(this.#key, this.#topic) : "";
    if (this.#isEdit) drafts.writeEdit(this.#key, this.#topic, "");
    this.#turnTo(this.#interrupted);
    if (text) this.restore(text);
  }

  #pressed(event) {
    if (event.defaultPrevented) return; // the list of what fits took it
    if (sends(event, { breaks: enterKey() === "breaks" })) {
      event.preventDefault();
      if (!event.repeat) this.#send(); // a held key was meant for what opened this conversation
    } else if (event.key === "Escape" && !isComposing(event) && this.cancel()) {
      event.preventDefault();
    } else if (event.key === "ArrowUp" && !this.#box.value && !event.altKey && !this.#topic) {
      event.preventDefault();
      say(this, "edit:wanted", { key: this.#key });
    }
  }

  #send() {
    const text = wellFormed(trimmed(this.#box.value));
    if (!text && this.#isEdit) this.#removeEdited(this.#topic);
    if (!text || this.#left() < 0 || this.#key === null || this.hidden) return;
    const { kind, seq } = this.#topic ?? {};
    if (kind === "edit") {
      this.cancel();
      say(this, "message:save", { key: this.#key, seq, text });
    } else {
      this.#fill("");
      this.#turnTo(this.#interrupted);
      say(this, "message:send", { key: this.#key, text, replyTo: kind === "answer" ? seq : undefined });
    }
    this.focus();
  }

  #removeEdited(topic) {
    say(this, "message:remove", { seq: topic.seq, done: () => this.#topic === topic && this.cancel() });
  }

  #showStrip() {
    this.#strip.hidden = this.#topic === null;
    this.dataset.edits = String(this.#isEdit);
    if (this.#strip.hidden) return;
    const { find, display } = this.#messages;
    const isAnswer = this.#topic.kind === "answer";
    const message = isAnswer ? find(this.#topic.seq) : undefined;
    if (isAnswer && !message) this.#wantQuote();
    const name = message && display(message.user);
    this.#strip.querySelector(".strip-title").textContent = TITLES[this.#topic.kind](name);
    this.#strip.querySelector(".strip-text").textContent = message ? plain(message).slice(0, WARN) : "";
  }

  /** Once: the message may not exist any more. */
  #wantQuote() {
    if (this.#messages.epoch === null || this.#wanted === this.#topic) return;
    this.#wanted = this.#topic;
    say(this, "quote:wanted", { seq: this.#topic.seq });
  }

  #left() {
    return this.limit - Array.from(trimmed(this.#box.value)).length;
  }

  #fill(text) {
    this.#box.value = text;
    this.#box.dispatchEvent(new Event("text:replaced"));
    this.#changed();
  }

  #typed() {
    this.#changed();
    if (!this.#isEdit && this.#box.value.trim()) say(this, "draft:changed", { key: this.#key });
  }

  #changed() {
    if (this.#isEdit) drafts.writeEdit(this.#key, this.#topic, this.#box.value);
    else drafts.write(this.#key, this.#box.value);
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

const TITLES = {
  answer: (name) => (name ? _("Replying to %(name)s", { name }) : _("Replying")),
  edit: () => _("Editing your message"),
  deleted: () => _("This becomes a new message: the old one was deleted."),
};

customElements.define("message-composer", MessageComposer);
