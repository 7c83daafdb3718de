/**
 * Uploads the files of the outbox, one after another; an upload continues after a lost connection or a reload. Of several
 * tabs, one uploads a file. A file whose upload fails delays no other: it is tried again after them, and refused after
 * several attempts.
 */

import { Backoff } from "../lib/backoff.js";
import { nextUpload } from "../lib/outbox-files.js";
import { _ } from "../lib/i18n.js";

const MAX_ATTEMPTS = 4; // failures of the server until a file counts as refused
const MAX_CUTS = 10; // failures without progress, while the server can be reached, until a file counts as refused
const PROGRESS = 2 ** 20; // bytes
const SHOW_INTERVAL = 200; // milliseconds between two updates of the progress
const CUTS = new Set(["unreachable", "conflict"]); // such as another request that has to end first
const FAILURES = new Set(["unavailable", "internal"]); // such as a full disk
const RATE_LIMITED = "rate_limited"; // of the user, so that other files would be refused too
const UNAUTHORIZED = 401;

export class Uploader {
  #outbox;
  #store;
  #upload;
  #discard;
  #prepare;
  #roomOf;
  #exclusively;
  #isOnline;
  #running = false;
  #timer = 0;
  #paused = false; // until the timer
  #postponed = new Set(); // keys of files that failed and wait for the timer
  #backoff = new Backoff();
  #attempts = new Map(); // key of a file → {failures: of the server, cuts, best: bytes that were sent}
  #current = null; // {file, controller}

  /**
   * `store`: of the outbox. `upload` and `discard`: see net/upload.js; `prepare(file, content)` returns what is to be
   * uploaded; `roomOf(key)`: the number of the only room that may have the file, or undefined; `exclusively(name, work)`
   * calls `work` in one tab only; `isOnline()`: whether the server can be reached by other means.
   */
  constructor(outbox, { store, upload, discard, prepare, roomOf, exclusively = withLock, isOnline = () => true }) {
    this.#outbox = outbox;
    this.#store = store;
    this.#upload = upload;
    this.#discard = discard;
    this.#prepare = prepare;
    this.#roomOf = roomOf;
    this.#exclusively = exclusively;
    this.#isOnline = isOnline;
    outbox.addEventListener("outbox:changed", () => this.#uploadAll());
    outbox.addEventListener("outbox:discarded", ({ detail }) => detail.files.forEach((file) => this.#cancel(file)));
    outbox.addEventListener("outbox:acknowledged", ({ detail }) => (detail.entry.files ?? []).forEach(release));
  }

  /** Upload what is waiting, also what has failed before. */
  run() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#paused = false;
    this.#postponed.clear();
    return this.#uploadAll();
  }

  async #uploadAll() {
    if (this.#running || this.#paused) return;
    this.#running = true;
    try {
      for (let next = this.#next(); next; next = this.#next()) await this.#attempt(next);
    } catch (error) {
      this.#paused = error.status !== UNAUTHORIZED;
    } finally {
      this.#running = false;
    }
    if (this.#paused || this.#postponed.size > 0) this.#timer ||= setTimeout(() => this.run(), 500 + this.#backoff.next());
  }

  #next = () => nextUpload(this.#outbox.sending, this.#postponed);

  /** Upload a file, or postpone it. Throws if others would fail too. */
  async #attempt(next) {
    try {
      await this.#exclusively(next.file.key, () => this.#uploadOne(next));
      this.#backoff.reset();
    } catch (error) {
      if (error.code === RATE_LIMITED || error.status === UNAUTHORIZED) throw error;
      this.#postponed.add(next.file.key);
    }
  }

  /** Remove a file from a message; the last one removes a message without text. */
  remove(entry, key) {
    const file = entry.files.find((one) => one.key === key);
    const files = entry.files.filter((one) => one !== file);
    if (!file) return;
    if (files.length === 0 && !entry.data) return void this.#outbox.remove(entry.id);
    entry.files = files;
    this.#outbox.discard([file]);
    if (entry.state === "failed" && !files.some(({ problem }) => problem)) return void this.#outbox.retry(entry.id, entry.epoch);
    this.#outbox.update(entry, { save: true });
  }

  /** Show pictures of messages that an earlier page left. */
  async showPreviews() {
    await this.#store.sweep();
    for (const entry of this.#outbox.sending) {
      for (const file of (entry.files ?? []).filter(({ type, preview }) => type.startsWith("image/") && !preview)) {
        const content = await this.#store.content(file.key);
        if (content) file.preview = URL.createObjectURL(content);
      }
      if (entry.files) this.#outbox.update(entry);
    }
  }

  async #uploadOne({ entry, file }) {
    await this.#outbox.refresh(entry);
    if (file.uploaded || !this.#outbox.sending.includes(entry)) return this.#outbox.update(entry, { save: true });
    const content = await this.#content(file).catch(() => null);
    if (!content) return this.#refuse(entry, file, _("This file is not available any more. Choose it again."));
    const controller = new AbortController();
    this.#current = { file, controller };
    try {
      const uploaded = await this.#upload(file, content, { ...this.#callbacks(entry, file), room: this.#roomOf(entry.key), signal: controller.signal });
      this.#finished(entry, file, uploaded);
    } catch (error) {
      if (controller.signal.aborted) return; // it was removed
      if (this.#isTemporary(error, file)) throw error;
      this.#refuse(entry, file, error.message);
    } finally {
      this.#current = null;
    }
  }

  /** The content to upload: made once, because an upload continues with the same bytes. */
  async #content(file) {
    const content = await this.#store.content(file.key);
    if (!content || file.prepared) return content;
    const prepared = await this.#prepare(file, content);
    file.prepared = true;
    if (prepared !== content) this.#store.hold(file.key, prepared);
    file.bytes = prepared.size;
    return prepared;
  }

  #callbacks(entry, file) {
    let shown = 0;
    return {
      begun: (id) => {
        file.upload = id;
        this.#outbox.update(entry, { save: true });
      },
      progress: (bytes) => {
        file.progress = bytes;
        if (Date.now() - shown < SHOW_INTERVAL) return;
        shown = Date.now();
        this.#outbox.update(entry);
      },
    };
  }

  #finished(entry, file, uploaded) {
    this.#attempts.delete(file.key);
    if (!entry.files.includes(file)) return void this.#discard(uploaded.id);
    file.uploaded = uploaded;
    this.#outbox.update(entry, { save: true });
  }

  #isTemporary({ code, status }, { key, progress = 0 }) {
    if (code === RATE_LIMITED || status === UNAUTHORIZED) return true;
    const made = this.#attempts.get(key) ?? { failures: 0, cuts: 0, best: 0 };
    this.#attempts.set(key, made);
    if (FAILURES.has(code)) return (made.failures += 1) < MAX_ATTEMPTS;
    if (!CUTS.has(code)) return false;
    if (progress >= made.best + PROGRESS) Object.assign(made, { cuts: 0, best: progress });
    else if (this.#isOnline()) made.cuts += 1;
    return made.cuts < MAX_CUTS;
  }

  #refuse(entry, file, problem) {
    this.#attempts.delete(file.key);
    file.problem = problem;
    this.#outbox.fail(entry, _("A file was not uploaded."));
  }

  /** Stop the upload of a file, and delete what the server has of it. */
  #cancel(file) {
    if (this.#current?.file === file) this.#current.controller.abort();
    const id = file.uploaded?.id ?? file.upload;
    if (id) this.#discard(id);
    release(file);
  }
}

function release({ preview }) {
  if (preview) URL.revokeObjectURL(preview);
}

/** Run `work` in one tab at a time. Throws while another tab does it. Without locks, on plain http, tabs do not wait. */
async function withLock(name, work) {
  if (!globalThis.navigator?.locks) return work();
  return navigator.locks.request(`upload:${name}`, { ifAvailable: true }, (lock) => {
    if (!lock) throw new Error("another tab uploads it");
    return work();
  });
}
