/** How far the messages of a conversation have been on screen while the user watched it. */

import { Attention } from "./attention.js";
import { readThrough } from "../lib/layout.js";

const PAUSE = 250; // milliseconds between two reports

export class SeenMessages {
  #onScreen;
  #report;
  #view = { key: null };
  #seq = 0;
  #reported = 0;
  #frame = 0;
  #timer = 0;
  #attention;

  /**
   * `onScreen()`: the seqs of the messages on screen, in order; `report({key, seq})`: all up to `seq` has been there;
   * `onWatched()`: the user has begun to watch the conversation.
   */
  constructor({ onScreen, report, onWatched }) {
    this.#onScreen = onScreen;
    this.#report = report;
    this.#attention = new Attention(() => {
      this.#flush();
      onWatched();
    });
    addEventListener("pagehide", () => this.#flush());
    for (const name of ["focus", "blur"]) addEventListener(name, () => this.#turned());
    document.addEventListener("visibilitychange", () => this.#turned());
  }

  /** Whether the user has watched the conversation for long enough to read it. */
  get isWatched() {
    return this.#attention.check(this.#view.loaded) && this.#attention.isSettled;
  }

  /** What is drawn now, as <message-list> gets it. */
  show(view) {
    const isOther = view.key !== this.#view.key;
    if (isOther) this.#leave();
    this.#seq = isOther || !view.loaded ? view.read : Math.max(this.#seq, view.read);
    this.#reported = Math.max(isOther ? 0 : this.#reported, view.read);
    this.#view = view;
    this.#frame ||= requestAnimationFrame(() => this.look());
  }

  /** At each step of scrolling: a step that leaves messages out does not count. */
  look() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (!this.#attention.check(this.#view.loaded)) return;
    const seq = readThrough(this.#view, { read: this.#seq, onScreen: this.#onScreen() });
    if (seq <= this.#seq) return;
    this.#seq = seq;
    this.#timer ||= setTimeout(() => this.#flush(), PAUSE);
  }

  /** The user acts on the conversation: a glance is enough. */
  settle() {
    this.#attention.settle(this.#view.loaded);
  }

  #turned() {
    this.#flush();
    this.look();
  }

  #leave() {
    this.#flush();
    this.#attention.reset();
  }

  #flush() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (!this.#attention.isSettled || this.#seq <= this.#reported) return;
    this.#reported = this.#seq;
    this.#report({ key: this.#view.key, seq: this.#seq });
  }
}
