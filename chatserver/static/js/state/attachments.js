/**
 * Files that the user has chosen and not sent, by conversation, in this window: {key, name, type, bytes, content, preview?,
 * width?, height?, alt?, original?, seconds?, wave?}; see lib/outbox-files.js.
 *
 * Events: `attachments:changed` for the open conversation.
 */

import { newId } from "../lib/ids.js";

export class Attachments extends EventTarget {
  /** Of the server: `bytes` of a file, `count` of files in a message; 0 without files. */
  limits = { bytes: 0, count: 0 };

  #key = null; // the open conversation
  #chosen = new Map(); // key → files

  /** Show the files of conversation `key` from now on. */
  open(key) {
    this.#key = key;
    this.#changed();
  }

  /** The open conversation. */
  get key() {
    return this.#key;
  }

  of(key) {
    return this.#chosen.get(key) ?? [];
  }

  get shown() {
    return this.of(this.#key);
  }

  /** The number of files in all conversations. */
  get size() {
    return [...this.#chosen.values()].flat().length;
  }

  /** Add `contents`, [{name, content, alt?, seconds?, wave?}], to a conversation, up to the limit of a message. Returns the files. */
  add(contents, key = this.#key) {
    const free = Math.max(0, this.limits.count - this.of(key).length);
    const added = contents.slice(0, free).map(({ content, ...described }) => {
      const preview = isPlayedBefore(content, described) ? { preview: URL.createObjectURL(content) } : {};
      return { key: newId(), type: content.type || "application/octet-stream", bytes: content.size, content, alt: "", ...described, ...preview };
    });
    this.#chosen.set(key, [...this.of(key), ...added]);
    this.#changed();
    return added;
  }

  remove(file) {
    for (const [key, files] of this.#chosen) this.#chosen.set(key, files.filter((one) => one !== file));
    if (file.preview) URL.revokeObjectURL(file.preview);
    this.#changed();
  }

  /** Set properties of a file. */
  change(file, values) {
    Object.assign(file, values);
    this.#changed();
  }

  /** Remove and return the files of a conversation, which are sent. */
  removeAll(key) {
    const removed = this.of(key);
    this.#chosen.delete(key);
    this.#changed();
    return removed;
  }

  forgetAll() {
    this.#chosen.clear();
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("attachments:changed"));
  }
}

/** Whether it is shown or played before it is sent. */
const isPlayedBefore = ({ type }, { wave }) => type.startsWith("image/") || Boolean(wave);

export const attachments = new Attachments();
