/**
 * Uploads the files of the outbox, one after another; an upload continues after a lost connection or a reload. Of several
 * tabs, one uploads a file.
 */

import { Backoff } from "../lib/backoff.js";
import { nextUpload } from "../lib/outbox-files.js";
import { _ } from "../lib/i18n.js";

const MAX_ATTEMPTS = 4; // failures of the server until a file counts as refused
const SHOW_INTERVAL = 200; // milliseconds between two updates of the progress
const TEMPORARY = new Set(["unreachable", "rate_limited", "conflict"]); // such as another upload that has to end first
const FAILURES = new Set(["unavailable", "internal"]); // such as a full disk
const UNAUTHORIZED = 401;

export class Uploader {
  #outbox;
  #store;
  #upload;
  #discard;
  #prepare;
  #roomOf;
  #exclusively;
  #running = false;
  #timer = 0;
  #backoff = new Backoff();
  #attempts = new Map(); // key of a file → failures of the server
  #current = null; // {file, controller}

  /**
   * `store`: of the outbox. `upload` and `discard`: see net/upload.js; `prepare(file, content)` returns what is to be
   * uploaded; `roomOf(key)`: the number of the only room that may have the file, or undefined; `exclusively(name, work)`
   * calls `work` in one tab only.
   */
  constructor(outbox, { store, upload, discard, prepare, roomOf, exclusively = withLock }) {
    this.#outbox = outbox;
    this.#store = store;
    this.#upload = upload;
    this.#discard = discard;
    this.#prepare = prepare;
    this.#roomOf = roomOf;
    this.#exclusively = exclusively;
    outbox.addEventListener("outbox:changed", () => this.#timer || this.run());
    outbox.addEventListener("outbox:discarded", ({ detail }) => detail.files.forEach((file) => this.#cancel(file)));
    outbox.addEventListener("outbox:acknowledged", ({ detail }) => (detail.entry.files ?? []).forEach(release));
  }

  /** Upload what is waiting. */
  async run() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (this.#running) return;
    this.#running = true;
    try {
      for (let next = nextUpload(this.#outbox.sending); next; next = nextUpload(this.#outbox.sending)) {
        await this.#exclusively(next.file.key, () => this.#uploadOne(next));
        this.#backoff.reset();
      }
    } catch (error) {
      if (error.status !== UNAUTHORIZED) this.#timer = setTimeout(() => this.run(), 500 + this.#backoff.next());
    } finally {
      this.#running = false;
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
    const content = await this.#content(file);
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

  #isTemporary({ code, status }, { key }) {
    if (TEMPORARY.has(code) || status === UNAUTHORIZED) return true;
    const times = (this.#attempts.get(key) ?? 0) + 1;
    this.#attempts.set(key, times);
    return FAILURES.has(code) && times < MAX_ATTEMPTS;
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
