/**
 * Messages, edits, deletions and reactions that the server has not answered yet. Sends one after the other, in order,
 * with the id that makes a repeat harmless; no answer means "unknown", and the same command goes out again.
 *
 * Events: `outbox:changed` {entry}, `outbox:acknowledged` {entry, reply} of a message; `outbox:saved`: `unsavedCount` may be another.
 * An entry: {id, key, data, at, order, state: "sending" | "failed", tried?, replyTo?, epoch?, problem?, unknown?, final?}, and
 * of an act on the message `target`: {type, room, target, emoji?, on?}. `tried`: the server may have it. `epoch`: the log in
 * which the room and the message have their numbers. `unknown`: it failed without an answer. `final`: the same would be
 * refused again.
 */

import { Backoff } from "../lib/backoff.js";
import { newId } from "../lib/ids.js";
import { _ } from "../lib/i18n.js";
import { wellFormed } from "../lib/text.js";
import { isChange, Type } from "../net/protocol.js";

const MAX_ATTEMPTS = 5; // times that a message stays without an answer, although the line stands, until it fails
const SAVE_RETRY_DELAY = 2_000; // milliseconds until entries that could not be stored are stored again
const RETRYABLE = new Set(["rate_limited", "unavailable", "internal"]);
const FINAL = new Set(["bad_request", "too_large"]);

export class Outbox extends EventTarget {
  #entries = [];
  #store;
  #send;
  #sending = false;
  #timer = 0;
  #backoff = new Backoff();
  #unsavedCount = new Set(); // ids of entries that are not stored
  #saveTimer = 0; // the timer that stores them
  #attempts = { id: null, times: 0 };

  /** `send(entry)` promises the server's reply, or rejects: {silent} when none came although the line stood. */
  constructor({ store, send }) {
    super();
    this.#store = store;
    store.onLost = () => this.#entries.forEach((entry) => this.#save(entry));
    this.#send = send;
  }

  /** What an earlier page left behind. */
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

  /** How many entries exist only in this page. */
  get unsavedCount() {
    return this.#unsavedCount.size;
  }

  /** Whether this browser stores entries at all. */
  isStored() {
    return this.#store.isAvailable();
  }

  add(key, text, { replyTo, epoch } = {}) {
    const facts = { ...(replyTo && { replyTo }), ...(epoch && { epoch }) };
    this.#enqueue(this.#newEntry({ key, data: wellFormed(text), ...facts }));
  }

  /** `change`: {key, room, type, target, epoch, data?, emoji?, on?}. It replaces a refused one of its type and target. */
  addChange(change) {
    const { key, type, target } = change;
    const refused = this.entriesOf(key).filter((entry) => entry.type === type && entry.target === target && entry.state === "failed");
    for (const { id } of refused) this.#removeEntry(id);
    this.#enqueue(this.#newEntry({ ...change, data: wellFormed(change.data ?? "") }));
  }

  /** Again; under a new id when the server has refused the old one. `epoch`: of the log of now. */
  retry(id, epoch) {
    const entry = this.#removeEntry(id);
    if (!entry) return undefined;
    const { key, data, replyTo } = entry;
    if (isChange(entry) && !entry.unknown) return this.#enqueue(this.#newEntry({ ...entry, id: newId(), state: "sending" }));
    const moved = entry.epoch && epoch && entry.epoch !== epoch; // then the quoted number is another message's
    if (!entry.unknown) return this.add(key, data, { replyTo: moved ? undefined : replyTo, epoch });
    return this.#enqueue({ ...entry, state: "sending", unknown: false });
  }

  /** Forgets a message, which is returned, or undefined. */
  remove(id) {
    const entry = this.#removeEntry(id);
    if (entry) this.#changed(entry);
    return entry ?? undefined;
  }

  /** The server has this message: nothing is left to send. */
  settle(id) {
    return this.#removeEntry(id) !== null;
  }

  /** How many messages of this user are unsent, those of other tabs as well. */
  async count() {
    const kept = await this.#store.all();
    return new Set([...kept, ...this.#entries].map(({ id }) => id)).size;
  }

  /** Forgets everything of this user, also on disk and what other tabs left there. */
  async clear() {
    this.#entries = [];
    this.#unsavedCount.clear();
    await this.#store.clear();
  }

  /** Sends what waits. Call it when there is a line. */
  async flush() {
    if (this.#sending) return;
    clearTimeout(this.#timer);
    this.#sending = true;
    try {
      for (let entry = this.#next(); entry; entry = this.#next()) await this.#deliver(entry);
    } catch {
      // No line, or not now: the next welcome or the timer calls again.
    } finally {
      this.#sending = false;
    }
  }

  #newEntry(facts) {
    const at = Date.now();
    const order = Math.max(at, (this.#entries.at(-1)?.order ?? 0) + 1);
    return { id: newId(), state: "sending", ...facts, at, order };
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
    } else if (isMoot(entry, reply)) {
      this.remove(entry.id);
    } else {
      entry.final = FINAL.has(reply.code) || (isChange(entry) && reply.code === "not_found"); // its message is deleted
      this.#fail(entry, reply.data);
    }
  }

  /** It must not keep those behind it from going out for ever. */
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
    const kept = await this.#store.put(entry);
    const waits = this.#entries.includes(entry);
    if (kept && !waits) this.#store.remove(entry.id); // it was answered before it was stored
    if (kept || !waits) this.#unsavedCount.delete(entry.id);
    else this.#saveLater(entry.id);
    this.dispatchEvent(new Event("outbox:saved"));
  }

  /** The disk may have room later, and a database that is being cleared comes back. */
  #saveLater(id) {
    this.#unsavedCount.add(id);
    clearTimeout(this.#saveTimer);
    this.#saveTimer = setTimeout(() => {
      for (const entry of this.#entries) if (this.#unsavedCount.has(entry.id)) this.#save(entry);
    }, SAVE_RETRY_DELAY);
  }

  #removeEntry(id) {
    const index = this.#entries.findIndex((entry) => entry.id === id);
    if (index < 0) return null;
    this.#store.remove(id);
    if (this.#unsavedCount.delete(id)) this.dispatchEvent(new Event("outbox:saved"));
    return this.#entries.splice(index, 1)[0];
  }

  #changed(entry) {
    this.dispatchEvent(new CustomEvent("outbox:changed", { detail: { entry } }));
  }
}

/** A deletion of, or a reaction to, a message that is deleted already. An edit has a text that must not be lost. */
const isMoot = ({ type }, { code }) => code === "not_found" && (type === Type.DELETE || type === Type.REACT);
