/**
 * Messages, edits, deletions and reactions that the server has not answered yet. Sends one after the other, in order,
 * with the id that makes a repeat harmless; no answer means "unknown", and the same command goes out again.
 *
 * Events: `outbox:changed` {entry}, `outbox:answered` {entry, reply} of a message; `outbox:kept`: `unkept` may be another.
 * An entry: {id, key, data, at, order, state: "sending" | "failed", tried?, replyTo?, epoch?, problem?, unknown?, final?}, and
 * of an act on the message `target`: {type, room, target, emoji?, on?}. `tried`: the server may have it. `epoch`: the log in
 * which the room and the message have their numbers. `unknown`: it failed without an answer. `final`: the same would be
 * refused again.
 */

import { Backoff } from "../lib/backoff.js";
import { newId } from "../lib/ids.js";
import { _ } from "../lib/i18n.js";
import { wellFormed } from "../lib/text.js";
import { isAct, Type } from "../net/protocol.js";

const SILENT = 5; // times that a message stays without an answer, although the line stands, until it fails
const KEEP_AGAIN = 2_000; // milliseconds until entries that could not be stored are stored again
const LATER = new Set(["rate_limited", "unavailable", "internal"]);
const FINAL = new Set(["bad_request", "too_large"]);

export class Outbox extends EventTarget {
  #entries = [];
  #store;
  #send;
  #sending = false;
  #timer = 0;
  #backoff = new Backoff();
  #unkept = new Set(); // ids of entries that are not stored
  #keeping = 0; // the timer that stores them
  #unanswered = { id: null, times: 0 };

  /** `send(entry)` promises the server's reply, or rejects: {silent} when none came although the line stood. */
  constructor({ store, send }) {
    super();
    this.#store = store;
    store.onLost = () => this.#entries.forEach((entry) => this.#keep(entry));
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

  of(key) {
    return this.#entries.filter((entry) => entry.key === key);
  }

  get size() {
    return this.#entries.length;
  }

  /** How many entries exist only in this page. */
  get unkept() {
    return this.#unkept.size;
  }

  /** Whether this browser stores entries at all. */
  isStored() {
    return this.#store.isAvailable();
  }

  add(key, text, { replyTo, epoch } = {}) {
    const facts = { ...(replyTo && { replyTo }), ...(epoch && { epoch }) };
    this.#put(this.#entry({ key, data: wellFormed(text), ...facts }));
  }

  /** `act`: {key, room, type, target, epoch, data?, emoji?, on?}. It replaces a refused one of its type and target. */
  addAct(act) {
    const { key, type, target } = act;
    const refused = this.of(key).filter((entry) => entry.type === type && entry.target === target && entry.state === "failed");
    for (const { id } of refused) this.#take(id);
    this.#put(this.#entry({ ...act, data: wellFormed(act.data ?? "") }));
  }

  /** Again; under a new id when the server has refused the old one. `epoch`: of the log of now. */
  retry(id, epoch) {
    const entry = this.#take(id);
    if (!entry) return undefined;
    const { key, data, replyTo } = entry;
    if (isAct(entry) && !entry.unknown) return this.#put(this.#entry({ ...entry, id: newId(), state: "sending" }));
    const moved = entry.epoch && epoch && entry.epoch !== epoch; // then the quoted number is another message's
    if (!entry.unknown) return this.add(key, data, { replyTo: moved ? undefined : replyTo, epoch });
    return this.#put({ ...entry, state: "sending", unknown: false });
  }

  /** Forgets a message, which is returned, or undefined. */
  remove(id) {
    const entry = this.#take(id);
    if (entry) this.#changed(entry);
    return entry ?? undefined;
  }

  /** The server has this message: nothing is left to send. */
  settle(id) {
    return this.#take(id) !== null;
  }

  /** How many messages of this user are unsent, those of other tabs as well. */
  async count() {
    const kept = await this.#store.all();
    return new Set([...kept, ...this.#entries].map(({ id }) => id)).size;
  }

  /** Forgets everything of this user, also on disk and what other tabs left there. */
  async clear() {
    this.#entries = [];
    this.#unkept.clear();
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

  #entry(facts) {
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
      if (error.silent) this.#stayedUnanswered(entry, _("The server does not answer."));
      throw error;
    });
    if (reply.ok) {
      this.#backoff.reset();
      this.#take(entry.id);
      if (!isAct(entry)) this.dispatchEvent(new CustomEvent("outbox:answered", { detail: { entry, reply } }));
    } else if (LATER.has(reply.code)) {
      if (reply.code === "internal") this.#stayedUnanswered(entry, reply.data);
      this.#postpone(reply.retry_after);
      throw new Error(reply.code);
    } else if (isMoot(entry, reply)) {
      this.remove(entry.id);
    } else {
      entry.final = FINAL.has(reply.code) || (isAct(entry) && reply.code === "not_found"); // its message is deleted
      this.#fail(entry, reply.data);
    }
  }

  /** It must not keep those behind it from going out for ever. */
  #stayedUnanswered(entry, problem) {
    const times = this.#unanswered.id === entry.id ? this.#unanswered.times + 1 : 1;
    this.#unanswered = { id: entry.id, times };
    if (times < SILENT) return;
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
    this.#keep(entry);
    this.#changed(entry);
  }

  #put(entry) {
    this.#entries.push(entry);
    this.#keep(entry);
    this.#changed(entry);
    this.flush();
  }

  async #keep(entry) {
    const kept = await this.#store.put(entry);
    const waits = this.#entries.includes(entry);
    if (kept && !waits) this.#store.remove(entry.id); // it was answered before it was stored
    if (kept || !waits) this.#unkept.delete(entry.id);
    else this.#keepAgain(entry.id);
    this.dispatchEvent(new Event("outbox:kept"));
  }

  /** The disk may have room later, and a database that is being cleared comes back. */
  #keepAgain(id) {
    this.#unkept.add(id);
    clearTimeout(this.#keeping);
    this.#keeping = setTimeout(() => {
      for (const entry of this.#entries) if (this.#unkept.has(entry.id)) this.#keep(entry);
    }, KEEP_AGAIN);
  }

  #take(id) {
    const index = this.#entries.findIndex((entry) => entry.id === id);
    if (index < 0) return null;
    this.#store.remove(id);
    if (this.#unkept.delete(id)) this.dispatchEvent(new Event("outbox:kept"));
    return this.#entries.splice(index, 1)[0];
  }

  #changed(entry) {
    this.dispatchEvent(new CustomEvent("outbox:changed", { detail: { entry } }));
  }
}

/** A deletion of, or a reaction to, a message that is deleted already. An edit has a text that must not be lost. */
const isMoot = ({ type }, { code }) => code === "not_found" && (type === Type.DELETE || type === Type.REACT);
