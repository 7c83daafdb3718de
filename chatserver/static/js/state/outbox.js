/**
 * Messages, edits, deletions and reactions that the server has not acknowledged. Sends them one after another, in
 * order, with an id that makes repeats harmless: a command without a reply is sent again.
 *
 * Events: `outbox:changed` {entry}, `outbox:acknowledged` {entry, reply} of a message; `outbox:saved`: `unsavedCount`
 * may have changed.
 *
 * An entry: {id, key, data, at, order, state: "sending" | "failed", tried?, replyTo?, epoch?, problem?, unknown?,
 * final?}, and for a change of the message `target`: {type, room, target, emoji?, on?}. `tried`: it may have reached the
 * server. `epoch`: the log to which the numbers of room and message belong. `unknown`: it failed
 * without a reply. `final`: a retry would be refused again.
 */

import { Backoff } from "../lib/backoff.js";
import { newId } from "../lib/ids.js";
import { _ } from "../lib/i18n.js";
import { wellFormed } from "../lib/text.js";
import { isChange, Type } from "../net/protocol.js";

const MAX_ATTEMPTS = 5; // sends without a reply over an open connection until an entry fails
const SAVE_RETRY_DELAY = 2_000; // milliseconds
const RETRYABLE = new Set(["rate_limited", "unavailable", "internal"]);
const FINAL = new Set(["bad_request", "too_large"]);

export class Outbox extends EventTarget {
  #entries = [];
  #store;
  #send;
  #sending = false;
  #timer = 0;
  #backoff = new Backoff();
  #unsaved = new Set(); // ids of entries that are not stored
  #saveTimer = 0;
  #attempts = { id: null, times: 0 };

  /** `send(entry)` returns the server's reply, or rejects, with {timedOut} if the connection was open. */
  constructor({ store, send }) {
    super();
    this.#store = store;
    store.onLost = () => this.#entries.forEach((entry) => this.#save(entry));
    this.#send = send;
  }

  /** Load the entries that an earlier page stored. */
  async load() {
    const known = new Set(this.#entries.map(({ id }) => id));
    const stored = (await this.#store.all()).filter(({ id }) => !known.has(id));
    const found = stored.map((entry) => ({ ...entry, tried: true }));
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
    return this.#unsaved.size;
  }

  /** Whether this browser stores entries at all. */
  isStored() {
    return this.#store.isAvailable();
  }

  add(key, text, { replyTo, epoch } = {}) {
    const optional = { ...(replyTo && { replyTo }), ...(epoch && { epoch }) };
    this.#enqueue(this.#newEntry({ key, data: wellFormed(text), ...optional }));
  }

  /**
   * `change`: {key, room, type, target, epoch, data?, emoji?, on?}. It replaces refused ones of the same type and
   * target.
   */
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
    if (!entry.unknown) return this.add(key, data, { replyTo: moved ? undefined : replyTo, epoch });
    return this.#enqueue({ ...entry, state: "sending", unknown: false });
  }

  /** Remove an entry and return it, or undefined. */
  remove(id) {
    const entry = this.#removeEntry(id);
    if (entry) this.#changed(entry);
    return entry ?? undefined;
  }

  /** Remove an entry whose message has arrived from the server. Returns whether there was one. */
  settle(id) {
    return this.#removeEntry(id) !== null;
  }

  /** The number of unsent entries of this user, including those of other tabs. */
  async count() {
    const stored = await this.#store.all();
    return new Set([...stored, ...this.#entries].map(({ id }) => id)).size;
  }

  /** Remove all entries of this user, including stored ones of other tabs. */
  async clear() {
    this.#entries = [];
    this.#unsaved.clear();
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
    const order = Math.max(at, (this.#entries.at(-1)?.order ?? 0) + 1);
    return { id: newId(), state: "sending", ...fields, at, order };
  }

  #next() {
    return this.#entries.find(({ state }) => state === "sending");
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
      this.#removeEntry(entry.id);
      if (!isChange(entry)) this.dispatchEvent(new CustomEvent("outbox:acknowledged", { detail: { entry, reply } }));
    } else if (RETRYABLE.has(reply.code)) {
      if (reply.code === "internal") this.#countAttempt(entry, reply.data);
      this.#postpone(reply.retry_after);
      throw new Error(reply.code);
    } else if (isObsolete(entry, reply)) {
      this.remove(entry.id);
    } else {
      entry.final = FINAL.has(reply.code) || (isChange(entry) && reply.code === "not_found"); // its message was deleted
      this.#fail(entry, reply.data);
    }
  }

  /** Fail an entry after several sends without a reply, so that it does not block the following ones. */
  #countAttempt(entry, problem) {
    const times = this.#attempts.id === entry.id ? this.#attempts.times + 1 : 1;
    this.#attempts = { id: entry.id, times };
    if (times < MAX_ATTEMPTS) return;
    entry.unknown = true;
    this.#fail(entry, problem);
  }

  #postpone(seconds) {
    const wait = seconds ? seconds * 1000 + 50 : 500 + this.#backoff.next();
    this.#timer = setTimeout(() => this.flush(), wait);
  }

  #fail(entry, problem) {
    if (!this.#entries.includes(entry)) return;
    entry.state = "failed";
    entry.problem = problem || _("The server refused it.");
    this.#save(entry);
    this.#changed(entry);
  }

  #enqueue(entry) {
    this.#entries.push(entry);
    this.#save(entry);
    this.#changed(entry);
    this.flush();
  }

  async #save(entry) {
    const isSaved = await this.#store.put(entry);
    const waits = this.#entries.includes(entry);
    if (isSaved && !waits) this.#store.remove(entry.id); // it was acknowledged before it was stored
    if (isSaved || !waits) this.#unsaved.delete(entry.id);
    else this.#saveLater(entry.id);
    this.dispatchEvent(new Event("outbox:saved"));
  }

  /** Try to store it again later: the disk may have space, or the database may be available again. */
  #saveLater(id) {
    this.#unsaved.add(id);
    clearTimeout(this.#saveTimer);
    this.#saveTimer = setTimeout(() => {
      for (const entry of this.#entries) if (this.#unsaved.has(entry.id)) this.#save(entry);
    }, SAVE_RETRY_DELAY);
  }

  #removeEntry(id) {
    const index = this.#entries.findIndex((entry) => entry.id === id);
    if (index < 0) return null;
    this.#store.remove(id);
    if (this.#unsaved.delete(id)) this.dispatchEvent(new Event("outbox:saved"));
    return this.#entries.splice(index, 1)[0];
  }

  #changed(entry) {
    this.dispatchEvent(new CustomEvent("outbox:changed", { detail: { entry } }));
  }
}

/** Whether it deletes or reacts to a message that is already deleted. A refused edit is kept, because of its text. */
const isObsolete = ({ type }, { code }) => code === "not_found" && (type === Type.DELETE || type === Type.REACT);
