/**
 * What the composer contains: the text of the open conversation and its target, the message that it replies to or edits.
 * Both are stored by drafts.js, which describes the target.
 */

import { drafts } from "./drafts.js";

const AFTER_DELETION = { answer: "unanswered", edit: "deleted" }; // kind of a target → its kind when the message is deleted

export class Composition {
  key = null; // of the conversation
  target = null;

  #replaceText;
  #targetChanged;

  /** `replaceText(text)` puts another text into the text box; `targetChanged()` is called before that. */
  constructor({ replaceText, targetChanged }) {
    this.#replaceText = replaceText;
    this.#targetChanged = targetChanged;
  }

  get isEdit() {
    return this.target?.kind === "edit";
  }

  /** Continue with the stored text of conversation `key`. */
  open(key) {
    this.key = key;
    drafts.open(key);
    this.reload();
  }

  /** Load the text and the target again, because another tab has changed or sent them. */
  reload() {
    this.target = drafts.target(this.key);
    this.#replaceText(drafts.text(this.key));
  }

  /** Store the text of the text box. */
  write(text) {
    if (this.isEdit) drafts.writeEdit(this.key, this.target, text);
    else drafts.write(this.key, text);
  }

  /** Start `target` and interrupt the present one; a new reply replaces another one. `text`: the unsaved text of an edit. */
  begin(target, text) {
    if (text !== undefined) drafts.writeEdit(this.key, { ...target, was: null }, text);
    const { waiting = [], ...current } = this.target ?? {};
    const isLeft = ({ kind, seq }) =>
      kind === "edit" ? target.kind !== kind || target.seq !== seq : target.kind === "edit" && kind !== undefined;
    const isKept = (one) => one.kind !== "edit" || drafts.readEdit(this.key, one) !== "";
    this.#setTarget({ ...target, waiting: [...waiting, current].filter((one) => isLeft(one) && isKept(one)) });
  }

  /** End the target, discard the text of an edit, and continue what the target had interrupted. */
  end() {
    if (this.isEdit) drafts.writeEdit(this.key, this.target, "");
    this.#setTarget(this.#interrupted);
  }

  /** Empty the draft, which is sent as `text`, and end its target. */
  send(text) {
    drafts.send(this.key, text);
    this.#replaceText("");
    this.end();
  }

  /** Append text that was not sent to the draft, also during an edit. `target` is used if there is none. */
  restore(text, target) {
    const draft = [drafts.read(this.key), text].filter(Boolean).join("\n");
    drafts.write(this.key, draft);
    if (!this.isEdit) this.#replaceText(draft);
    if (target && !this.target) this.#setTarget(target);
  }

  /** Drop a target of another log: after a restored backup its seq belongs to another message. `epoch`: see Conversations. */
  checkEpoch(epoch) {
    if (!this.target || epoch === null || this.target.epoch === epoch) return;
    const text = this.#unsavedEdit;
    this.end();
    if (text) this.restore(text);
  }

  /** Keep the text as a new message if the message of the target, which `find(seq)` returns, has been deleted. */
  checkDeleted(find) {
    const { target } = this;
    const kind = AFTER_DELETION[target?.kind];
    if (!kind || !find(target.seq)?.deleted_at) return;
    if (!this.isEdit) return void this.#setTarget({ ...target, kind });
    const text = this.#unsavedEdit;
    this.end();
    if (text) this.restore(text, { ...target, kind });
  }

  get #unsavedEdit() {
    return this.isEdit ? drafts.readEdit(this.key, this.target) : "";
  }

  /** The target that the present one has interrupted, or null. */
  get #interrupted() {
    const waiting = this.target?.waiting ?? [];
    return waiting.length > 0 ? { ...waiting.at(-1), waiting: waiting.slice(0, -1) } : null;
  }

  /** Set the target; the text of the previous target stays stored. */
  #setTarget(target) {
    const isTextReplaced = this.isEdit || target?.kind === "edit";
    this.target = target;
    drafts.setTarget(this.key, target);
    this.#targetChanged();
    if (isTextReplaced) this.#replaceText(drafts.text(this.key));
  }
}
