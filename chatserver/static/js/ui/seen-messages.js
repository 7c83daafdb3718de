/** How far the messages of a conversation have been on screen, in a visible window that has the focus. */

import { readThrough } from "../lib/layout.js";

const PAUSE = 250; // milliseconds between two reports

export class SeenMessages {
  #onScreen;
  #report;
  #view = { key: null };
  #seq = 0;
  #frame = 0;
  #timer = 0;

  /** `onScreen()`: the seqs of the messages on screen, in order; `report({key, seq})`: all up to `seq` has been there. */
  constructor({ onScreen, report }) {
    this.#onScreen = onScreen;
    this.#report = report;
    addEventListener("focus", () => this.look());
    addEventListener("pagehide", () => this.#flush());
    document.addEventListener("visibilitychange", () => this.look());
  }

  /** What is drawn now, as <message-list> gets it. */
  show(view) {
    const isOther = view.key !== this.#view.key;
    if (isOther) this.#flush();
    this.#seq = isOther || !view.loaded ? view.read : Math.max(this.#seq, view.read);
    this.#view = view;
    this.#frame ||= requestAnimationFrame(() => this.look());
  }

  /** At each step of scrolling: a step that leaves messages out does not count. */
  look() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const isWatched = document.visibilityState === "visible" && document.hasFocus();
    if (!isWatched || !this.#view.loaded) return;
    const seq = readThrough(this.#view, { read: this.#seq, onScreen: this.#onScreen() });
    if (seq <= this.#seq) return;
    this.#seq = seq;
    this.#timer ||= setTimeout(() => this.#flush(), PAUSE);
  }

  #flush() {
    if (this.#timer === 0) return;
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#report({ key: this.#view.key, seq: this.#seq });
  }
}
