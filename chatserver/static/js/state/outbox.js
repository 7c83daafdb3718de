/**
 * Messages, edits, deletions and reactions that the server has not acknowledged. Sends them one after another, in
 * order, with an id that makes repeats harmless: a command without a reply is sent again.
 *
 * Events: `outbox:changed` {entry}, `outbox:acknowledged` {entry, reply} of a message; `outbox:saved`: `unsavedCount`
 * may have changed; `outbox:discarded` {files}: of a message that will not be sent.
 *
 * An entry: {id, key, data, at, order, state: "sending" | "failed", tried?, replyTo?, epoch?, problem?, unknown?,
 * final?, files?, again?}, and for a change of the message `target`: {type, room, target, emoji?, on?}. `tried`: it may
 * have reached the server. `epoch`: the log to which the numbers of room and message belong. `unknown`: it failed
 * without a reply. `final`: a retry would be refused again. `files`: see lib/outbox-files.js. `again`: they were uploaded twice.
 */

import { Backoff } from "../lib/backoff.js";
import { newId } from "../lib/ids.js";
import { merge, nextToSend, reloaded, retried, uploadAgain } from "../lib/outbox-files.js";
import { _ } from "../lib/i18n.js";
import { wellFormed } from "../lib/text.js";
import { isChange, Type } from "../net/protocol.js";
import { EntrySaver } from "./entry-saver.js";

const MAX_ATTEMPTS = 5; // sends without a reply over an open connection until an entry fails
const RETRYABLE = new Set(["rate_limited", "unavailable", "internal"]);
const FINAL = new Set(["bad_request", "too_large"]);

export class Outbox extends EventTarget {
  #entries = [];
  #store;
  #send;
  #sending = false;
  #timer = 0;
  #backoff = new Backoff();
  #saver;
  #attempts = { id: null, times: 0 };

  /** `send(entry)` returns the server's reply, or rejects, with {timedOut} if the connection was open. */
  constructor({ store, send }) {
    super();
    this.#store = store;
    this.#saver = new EntrySaver(store, {
      entries: () => this.#entries,
      changed: () => this.dispatchEvent(new Event("outbox:saved")),
    });
    store.onLost = () => this.#entries.forEach((entry) => this.#saver.save(entry));
    this.#send = send;
  }

  /** Load the entries that an earlier page or a closed tab stored. */
  async load() {
    const [before, stored] = [[...this.#entries], await this.#store.all()];
    const known = new Set([...before, ...this.#entries].map(({ id }) => id));
    const found = stored.filter(({ id }) => !known.has(id)).map((entry) => ({ ...reloaded(entry), tried: true }));
    this.#entries = [...found, ...this.#entries];
    for (const entry of found) this.#changed(entry);
    this.flush();
  }

  entriesOf(key) {
    return this.#entries.filter((entry) => entry.key === key);
  }

  get size() {
    return this.#entries.length;
  }

  /** The number of entries that are not stored. */
  get unsavedCount() {
    return this.#saver.count;
  }

  /** Whether this browser stores entries at all. */
  isStored = () => this.#store.isAvailable();

  /** The entries that are not refused, in order. */
  get sending() {
    return this.#entries.filter(({ state }) => state === "sending");
  }

  /** `files`: with their `content` if they are new. */
  add(key, text, { replyTo, epoch, files = [] } = {}) {
    for (const file of files) if (file.content) this.#store.hold(file.key, file.content);
    const described = files.length > 0 && { files: files.map(({ content, ...description }) => description) };
    const optional = { ...(replyTo && { replyTo }), ...(epoch && { epoch }), ...described };
    this.#enqueue(this.#newEntry({ key, data: wellFormed(text), ...optional }));
  }

  /** `change`: {key, room, type, target, epoch, data?, emoji?, on?}. It replaces refused ones of its type and target. */
  addChange(change) {
    const { key, type, target } = change;
    const refused = this.entriesOf(key).filter((entry) => entry.type === type && entry.target === target && entry.state === "failed");
    for (const { id } of refused) this.#removeEntry(id);
    this.#enqueue(this.#newEntry({ ...change, data: wellFormed(change.data ?? "") }));
  }

  /** Send an entry again, under a new id if the server has refused it. `epoch`: of the current log. */
  retry(id, epoch) {
    const entry = this.#removeEntry(id);
    if (!entry) return undefined;
    const { key, data, replyTo } = entry;
    if (isChange(entry) && !entry.unknown) return this.#enqueue(this.#newEntry({ ...entry, id: newId(), state: "sending" }));
    const moved = entry.epoch && epoch && entry.epoch !== epoch; // then the seq of the quoted message is not valid
    if (!entry.unknown) return this.add(key, data, { replyTo: moved ? undefined : replyTo, epoch, files: retried(entry.files) });
    return this.#enqueue({ ...entry, state: "sending", unknown: false });
  }

  /** Remove an entry with its files, and return it. */
  remove(id) {
    const entry = this.#removeEntry(id);
    if (entry) this.#changed(entry);
    if (entry?.files) this.discard(entry.files);
    return entry ?? undefined;
  }

  /** Show a change of an entry; with `save` store it, and send it if all files are uploaded. */
  update(entry, { save = false } = {}) {
    if (!this.#entries.includes(entry)) return;
    if (save) this.#saver.save(entry);
    this.#changed(entry);
    if (save) this.flush();
  }

  /** Adopt what another tab has uploaded of an entry; remove the entry if that tab has sent it. */
  async refresh(entry) {
    const stored = await this.#store.find(entry.id);
    if (stored) merge(entry.files, stored.files);
    else if (stored === undefined && !this.#saver.isUnsaved(entry.id)) this.acknowledge(entry.id);
    this.#changed(entry);
  }

  /** Delete files that will not be sent. */
  discard(files) {
    this.#store.removeContents(files);
    this.dispatchEvent(new CustomEvent("outbox:discarded", { detail: { files } }));
  }

  /** Remove an entry whose message has arrived from the server. Returns whether there was one. */
  acknowledge(id) {
    const entry = this.#removeEntry(id);
    if (entry?.files) this.#store.removeContents(entry.files);
    return entry !== null;
  }

  /** The number of unsent entries of this user, including those of other tabs. */
  async count() {
    const stored = await this.#store.all();
    return new Set([...stored, ...this.#entries].map(({ id }) => id)).size;
  }

  /** Remove all entries of this user, including stored ones of other tabs. */
  async clear() {
    this.#entries = [];
    this.#saver.clear();
    await this.#store.clear();
  }

  /** Send the waiting entries; called when the connection is open. */
  async flush() {
    if (this.#sending) return;
    clearTimeout(this.#timer);
    this.#sending = true;
    try {
      for (let entry = this.#next(); entry; entry = this.#next()) await this.#deliver(entry);
    } catch {
      // Without a connection the next welcome calls flush again, otherwise the timer of #postpone.
    } finally {
      this.#sending = false;
    }
  }

  #newEntry(fields) {
    const at = Date.now();
    return { id: newId(), state: "sending", ...fields, at, order: Math.max(at, (this.#entries.at(-1)?.order ?? 0) + 1) };
  }

  #next() {
    const { entry, wait } = nextToSend(this.sending, Date.now());
    if (wait) this.#timer = setTimeout(() => this.flush(), wait);
    return entry;
  }

  async #deliver(entry) {
    const before = entry.tried;
    entry.tried = true;
    const reply = await this.#send(entry).catch((error) => {
      if (error.unsent) entry.tried = before;
      if (error.timedOut) this.#countAttempt(entry, _("The server does not answer."));
      throw error;
    });
    if (reply.ok) {
      this.#backoff.reset();
      this.acknowledge(entry.id);
      if (!isChange(entry)) this.dispatchEvent(new CustomEvent("outbox:acknowledged", { detail: { entry, reply } }));
    } else if (RETRYABLE.has(reply.code)) {
      if (reply.code === "internal") this.#countAttempt(entry, reply.data);
      this.#postpone(reply.retry_after);
      throw new Error(reply.code);
    } else if (reply.code === "bad_request" && uploadAgain(entry)) {
      this.update(entry, { save: true });
    } else if (isObsolete(entry, reply)) {
      this.remove(entry.id);
    } else {
      entry.final = FINAL.has(reply.code) || (isChange(entry) && reply.code === "not_found"); // its message was deleted
      this.fail(entry, reply.data);
    }
  }

  /** Fail an entry after several sends without a reply, so that it does not block the following ones. */
  #countAttempt(entry, problem) {
    const times = this.#attempts.id === entry.id ? this.#attempts.times + 1 : 1;
    this.#attempts = { id: entry.id, times };
    if (times < MAX_ATTEMPTS) return;
    entry.unknown = true;
    this.fail(entry, problem);
  }

  #postpone(seconds) {
    const wait = seconds ? seconds * 1000 + 50 : 500 + this.#backoff.next();
    this.#timer = setTimeout(() => this.flush(), wait);
  }

  /** Refuse an entry: the user can retry, change or discard it. */
  fail(entry, problem) {
    if (!this.#entries.includes(entry)) return;
    entry.state = "failed";
    entry.problem = problem || _("The server refused it.");
    this.#saver.save(entry);
    this.#changed(entry);
  }

  #enqueue(entry) {
    this.#entries.push(entry);
    this.#saver.save(entry);
    this.#changed(entry);
    this.flush();
  }

  #removeEntry(id) {
    const index = this.#entries.findIndex((entry) => entry.id === id);
    if (index < 0) return null;
    this.#saver.remove(id);
    return this.#entries.splice(index, 1)[0];
  }

  #changed(entry) {
    this.dispatchEvent(new CustomEvent("outbox:changed", { detail: { entry } }));
  }
}

/** Whether it deletes or reacts to a message that is already deleted. A refused edit is kept, because of its text. */
const isObsolete = ({ type }, { code }) => code === "not_found" && (type === Type.DELETE || type === Type.REACT);
