/**
 * What the composer contains: the text of the open conversation and its topic, the message that it replies to or edits.
 * Both are stored by drafts.js, which describes the topic.
 */

import { drafts } from "./drafts.js";

const AFTER_DELETION = { answer: "unanswered", edit: "deleted" }; // kind of a topic → its kind when the message is deleted

export class Composition {
  key = null; // of the conversation
  topic = null;

  #replaceText;
  #topicChanged;

  /** `replaceText(text)` puts another text into the text box; `topicChanged()` is called before that. */
  constructor({ replaceText, topicChanged }) {
    this.#replaceText = replaceText;
    this.#topicChanged = topicChanged;
  }

  get isEdit() {
    return this.topic?.kind === "edit";
  }

  /** Continue with the stored text of conversation `key`. */
  open(key) {
    this.key = key;
    drafts.open(key);
    this.reload();
  }

  /** Load the text and the topic again, because another tab has changed or sent them. */
  reload() {
    this.topic = drafts.topic(this.key);
    this.#replaceText(drafts.text(this.key));
  }

  /** Store the text of the text box. */
  write(text) {
    if (this.isEdit) drafts.writeEdit(this.key, this.topic, text);
    else drafts.write(this.key, text);
  }

  /** Start `topic` and interrupt the present one; a new reply replaces another one. `text`: the unsaved text of an edit. */
  begin(topic, text) {
    if (text !== undefined) drafts.writeEdit(this.key, { ...topic, was: null }, text);
    const { waiting = [], ...current } = this.topic ?? {};
    const isLeft = ({ kind, seq }) =>
      kind === "edit" ? topic.kind !== kind || topic.seq !== seq : topic.kind === "edit" && kind !== undefined;
    const isKept = (one) => one.kind !== "edit" || drafts.readEdit(this.key, one) !== "";
    this.#setTopic({ ...topic, waiting: [...waiting, current].filter((one) => isLeft(one) && isKept(one)) });
  }

  /** End the topic, discard the text of an edit, and continue what the topic had interrupted. */
  end() {
    if (this.isEdit) drafts.writeEdit(this.key, this.topic, "");
    this.#setTopic(this.#interrupted);
  }

  /** Empty the draft, which is sent as `text`, and end its topic. */
  send(text) {
    drafts.send(this.key, text);
    this.#replaceText("");
    this.end();
  }

  /** Append text that was not sent to the draft, also during an edit. `topic` is used if there is none. */
  restore(text, topic) {
    const draft = [drafts.read(this.key), text].filter(Boolean).join("\n");
    drafts.write(this.key, draft);
    if (!this.isEdit) this.#replaceText(draft);
    if (topic && !this.topic) this.#setTopic(topic);
  }

  /** Drop a topic of another log: after a restored backup its seq belongs to another message. `epoch`: see Feed. */
  checkEpoch(epoch) {
    if (!this.topic || epoch === null || this.topic.epoch === epoch) return;
    const text = this.#unsavedEdit;
    this.end();
    if (text) this.restore(text);
  }

  /** Keep the text as a new message if the message of the topic, which `find(seq)` returns, has been deleted. */
  checkDeleted(find) {
    const { topic } = this;
    const kind = AFTER_DELETION[topic?.kind];
    if (!kind || !find(topic.seq)?.deleted_at) return;
    if (!this.isEdit) return void this.#setTopic({ ...topic, kind });
    const text = this.#unsavedEdit;
    this.end();
    if (text) this.restore(text, { ...topic, kind });
  }

  get #unsavedEdit() {
    return this.isEdit ? drafts.readEdit(this.key, this.topic) : "";
  }

  /** The topic that the present one has interrupted, or null. */
  get #interrupted() {
    const waiting = this.topic?.waiting ?? [];
    return waiting.length > 0 ? { ...waiting.at(-1), waiting: waiting.slice(0, -1) } : null;
  }

  /** Set the topic; the text of the previous topic stays stored. */
  #setTopic(topic) {
    const isTextReplaced = this.isEdit || topic?.kind === "edit";
    this.topic = topic;
    drafts.setTopic(this.key, topic);
    this.#topicChanged();
    if (isTextReplaced) this.#replaceText(drafts.text(this.key));
  }
}
