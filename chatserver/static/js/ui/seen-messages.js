/** How far the messages of a conversation have been on screen while the user watched it. */

import { Attention } from "./attention.js";
import { readThrough } from "../lib/layout.js";

const REPORT_INTERVAL = 250; // milliseconds

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
   * `onScreen()`: the seqs of the messages on screen, in order; `report({key, seq})`: all messages up to `seq` were seen;
   * `onWatched()`: the user has started to watch the conversation.
   */
  constructor({ onScreen, report, onWatched }) {
    this.#onScreen = onScreen;
    this.#report = report;
    this.#attention = new Attention(() => {
      this.#flush();
      onWatched();
    });
    addEventListener("pagehide", () => this.#flush());
    for (const name of ["focus", "blur"]) addEventListener(name, () => this.#visibilityChanged());
    document.addEventListener("visibilitychange", () => this.#visibilityChanged());
  }

  /** Whether the user has watched the conversation for long enough to read it. */
  get isWatched() {
    return this.#attention.check(this.#view.loaded) && this.#attention.isWatching;
  }

  /** `view`: what is drawn now, as <message-list> gets it. */
  show(view) {
    const isOther = view.key !== this.#view.key;
    if (isOther) this.#reset();
    this.#seq = isOther || !view.loaded ? view.read : Math.max(this.#seq, view.read);
    this.#reported = Math.max(isOther ? 0 : this.#reported, view.read);
    this.#view = view;
    this.#frame ||= requestAnimationFrame(() => this.check());
  }

  /** Called at each scroll event: messages that were skipped do not count as seen. */
  check() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (!this.#attention.check(this.#view.loaded)) return;
    const seq = readThrough(this.#view, { read: this.#seq, onScreen: this.#onScreen() });
    if (seq <= this.#seq) return;
    this.#seq = seq;
    this.#timer ||= setTimeout(() => this.#flush(), REPORT_INTERVAL);
  }

  /** The user has acted on the conversation, so it counts as watched at once. */
  watchNow() {
    this.#attention.watchNow(this.#view.loaded);
  }

  #visibilityChanged() {
    this.#flush();
    this.check();
  }

  #reset() {
    this.#flush();
    this.#attention.reset();
  }

  #flush() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (!this.#attention.isWatching || this.#seq <= this.#reported) return;
    this.#reported = this.#seq;
    this.#report({ key: this.#view.key, seq: this.#seq });
  }
}
