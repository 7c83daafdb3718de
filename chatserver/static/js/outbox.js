/**
 * What this user wrote and the server has not answered yet. Sends one after the other, in order, with the
 * id that makes a repeat harmless; no answer means "unknown", and the same message goes out again.
 *
 * Events: `outbox:changed` {entry}, `outbox:answered` {entry, reply}.
 * An entry: {id, key, data, at, order, state: "sending" | "failed", replyTo?, problem?}.
 */

import { Backoff } from "./lib/backoff.js";
import { newId } from "./lib/ids.js";
import { _ } from "./lib/i18n.js";

const LATER = new Set(["rate_limited", "unavailable", "internal"]);

export class Outbox extends EventTarget {
  #entries = [];
  #store;
  #send;
  #sending = false;
  #timer = 0;
  #backoff = new Backoff();

  /** `send(entry)` promises the server's reply, or rejects while there is no line. */
  constructor({ store, send }) {
    super();
    this.#store = store;
    this.#send = send;
  }

  /** What an earlier page left behind. */
  async load() {
    const known = new Set(this.#entries.map(({ id }) => id));
    const found = (await this.#store.all()).filter(({ id }) => !known.has(id));
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

  add(key, data, replyTo) {
    const at = Date.now();
    const order = Math.max(at, (this.#entries.at(-1)?.order ?? 0) + 1);
    const entry = { id: newId(), key, data, at, order, state: "sending", ...(replyTo && { replyTo }) };
    this.#entries.push(entry);
    this.#store.put(entry);
    this.#changed(entry);
    this.flush();
  }

  /** Again; under a new id, because the server has refused the old one. */
  retry(id) {
    const entry = this.#take(id);
    if (entry) this.add(entry.key, entry.data, entry.replyTo);
  }

  remove(id) {
    const entry = this.#take(id);
    if (entry) this.#changed(entry);
  }

  /** The server has this message: nothing is left to send. */
  settle(id) {
    return this.#take(id) !== null;
  }

  /** Forgets everything, also on disk. */
  async clear() {
    await Promise.all(this.#entries.splice(0).map(({ id }) => this.#store.remove(id)));
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

  #next() {
    return this.#entries.find(({ state }) => state === "sending");
  }

  async #deliver(entry) {
    const reply = await this.#send(entry);
    if (reply.ok) {
      this.#backoff.reset();
      this.#take(entry.id);
      this.dispatchEvent(new CustomEvent("outbox:answered", { detail: { entry, reply } }));
    } else if (LATER.has(reply.code)) {
      this.#postpone(reply.retry_after);
      throw new Error(reply.code);
    } else {
      this.#fail(entry, reply.data);
    }
  }

  #postpone(seconds) {
    const wait = seconds ? seconds * 1000 + 50 : 500 + this.#backoff.next();
    this.#timer = setTimeout(() => this.flush(), wait);
  }

  #fail(entry, problem) {
    if (!this.#entries.includes(entry)) return;
    entry.state = "failed";
    entry.problem = problem || _("The server refused it.");
    this.#store.put(entry);
    this.#changed(entry);
  }

  #take(id) {
    const index = this.#entries.findIndex((entry) => entry.id === id);
    if (index < 0) return null;
    this.#store.remove(id);
    return this.#entries.splice(index, 1)[0];
  }

  #changed(entry) {
    this.dispatchEvent(new CustomEvent("outbox:changed", { detail: { entry } }));
  }
}
