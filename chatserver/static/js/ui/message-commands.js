/**
 * Commands on messages of the open conversation: react, reply, edit, delete, copy text, copy link; and on those that
 * were not sent: retry, move back into the composer, discard. Edits, deletions and reactions are sent through the
 * outbox. Part of lazy-bundle.js; <chat-app> passes the events on.
 */

import { call, lazyBundle } from "./lazy-load.js";
import { summaryOf } from "../lib/files.js";
import { _ } from "../lib/i18n.js";
import { plainText } from "../lib/markup.js";
import { hashOf } from "../lib/route.js";
import { sessionRequest } from "../net/api.js";
import { me, urls } from "./page.js";
import { attachments } from "../state/attachments.js";
import { isChange, isMessage, Type } from "../net/protocol.js";

export class MessageCommands {
  #app;
  #conversations;
  #current;
  #outbox;
  #store;
  #actions = {
    "message:retry": ({ id }) => this.#outbox.retry(id, this.#conversations.epoch),
    "message:rewrite": ({ id }) => this.#rewrite(id),
    "message:discard": ({ id }) => this.#outbox.remove(id),
    "message:react": this.#onExisting((detail) => this.#react(detail)),
    "message:answer": this.#onExisting((detail) => this.#answer(detail)),
    "message:edit": this.#onExisting((detail) => this.#edit(detail)),
    "message:save": (detail) => this.#save(detail),
    "message:remove": this.#onExisting((detail) => this.#remove(detail)),
    "message:copy": this.#onExisting((detail) => this.#copy(detail)),
    "message:unread": (detail) => this.#markUnread(detail),
    "message:link": (detail) => this.#link(detail),
    "quote:requested": ({ conversation, seq }) => this.#conversations.loadQuoted(conversation, seq),
    "edit:requested": (detail) => this.#editLast(detail),
  };

  /** `current()`: the open conversation. */
  constructor(app, { conversations, outbox, store, current }) {
    this.#app = app;
    this.#conversations = conversations;
    this.#outbox = outbox;
    this.#store = store;
    this.#current = current;
  }

  /** Perform the command of an event. `conversation`: the one that was open when the user gave it. */
  async perform(name, detail) {
    try {
      await this.#actions[name](detail);
    } catch (error) {
      this.#showToast(error.message);
    }
  }

  #onExisting(action) {
    return (detail) => (isDeleted(detail) ? this.#showToast(deletedText()) : action(detail));
  }

  #react({ conversation, seq, emoji, on }) {
    this.#addChange(Type.REACT, { conversation, seq, emoji, on });
  }

  #answer({ seq }) {
    this.#part("message-composer").answer(seq);
  }

  /** Edit a message, with the text of an unsaved edit if there is one. */
  #edit(target) {
    this.#part("message-composer").edit({ seq: target.seq, text: this.#textOf(target) });
  }

  #textOf(target) {
    return this.#unsavedText(target) ?? messageOf(target)?.data;
  }

  #unsavedText({ seq, conversation: { key } }) {
    return this.#outbox.entriesOf(key).findLast(({ type, target }) => type === Type.EDIT && target === seq)?.data;
  }

  /** Move an entry of the outbox back into the composer. */
  async #rewrite(id) {
    const { files = [] } = this.#outbox.entriesOf(this.#current().key).find((one) => one.id === id) ?? {};
    const contents = files.length > 0 ? await this.#store.withContents(files) : [];
    const entry = this.#outbox.remove(id);
    if (!entry) return;
    if (contents.length > 0) attachments.add(contents);
    const { key, type, target: seq, data: text } = entry;
    const composer = this.#part("message-composer");
    if (type !== Type.EDIT) composer.restore(text, entry.replyTo && { kind: "answer", seq: entry.replyTo, epoch: entry.epoch });
    else if (!isGone(entry, messageOf({ seq, conversation: this.#conversations.get(key) }))) composer.edit({ seq, text, again: true });
    else composer.restore(text, { kind: "deleted", seq, epoch: this.#conversations.epoch });
  }

  /** Edit the user's last message; a message that cannot have reached the server is moved back into the composer. */
  #editLast({ conversation }) {
    const unsent = this.#outbox.entriesOf(conversation.key).findLast((entry) => !isChange(entry));
    if (!unsent) this.#editLastSent(conversation);
    else if (unsent.state === "failed" || !unsent.tried) this.#rewrite(unsent.id);
    else this.#showToast(_("Your last message is still being sent. You can edit it after that."));
  }

  #editLastSent(conversation) {
    const { events } = conversation.timeline;
    const last = events.findLast((one) => isMessage(one) && one.user === me.name && !one.deleted_at);
    if (last) this.#edit({ seq: last.seq, conversation });
  }

  #save({ key, seq, text }) {
    const conversation = this.#conversations.get(key);
    if (text !== this.#textOf({ seq, conversation })) this.#addChange(Type.EDIT, { conversation, seq, data: text });
  }

  #addChange(type, { conversation: { key, room }, seq: target, ...fields }) {
    this.#outbox.addChange({ key, room, type, target, epoch: this.#conversations.epoch, ...fields });
  }

  /** Ask, then delete the message. `done()` is called after the confirmation. */
  async #remove({ done = () => {}, ...target }) {
    const message = messageOf(target);
    const text = message ? [plainText(message), message.data && summaryOf(message.files)] : [];
    const question = { question: _("Delete this message?"), text: text.filter(Boolean).join(" · "), yes: _("Delete") };
    if (!(await this.#part("confirm-dialog").ask(question))) return;
    done();
    this.#addChange(Type.DELETE, target);
  }

  async #copy(target) {
    const isCopied = await lazyBundle.module.copy(this.#textOf(target));
    this.#showToast(isCopied ? _("Text copied") : _("The browser did not allow copying."));
  }

  /** The page applies it when the server sends it to all devices. */
  async #markUnread({ seq, conversation: { room } }) {
    await sessionRequest("POST", `${urls.rooms}/${room}/messages/${seq}/unread`);
    this.#showToast(_("Marked as unread"));
  }

  async #link({ seq, conversation }) {
    const url = new URL(urls.index, location.href);
    url.hash = hashOf(conversation.key, seq);
    this.#showToast((await lazyBundle.module.copy(url.href)) ? _("Link copied") : url.href);
  }

  #showToast(text) {
    call(this.#part("toast-line"), "show", text);
  }

  #part(name) {
    return this.#app.querySelector(name);
  }
}

/** Whether the message of a refused edit was deleted; if it is not loaded, the refusal says so. */
const isGone = ({ final }, message) => (message ? Boolean(message.deleted_at) : final);

const messageOf = ({ seq, conversation: { historyWindow, timeline } }) => historyWindow?.find(seq) ?? timeline.find(seq);

/** Whether the message was deleted, perhaps after its actions were shown. */
const isDeleted = (target) => Boolean(messageOf(target)?.deleted_at);

const deletedText = () => _("This message was deleted.");
