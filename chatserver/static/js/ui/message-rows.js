/** The rows of a message list: updates them in place, and reports which messages are on screen. */

import { emit, reconcile } from "./dom.js";
import { Dates } from "../lib/dates.js";
import { _ } from "../lib/i18n.js";
import { notice } from "../lib/notices.js";
import { clone, lang } from "./page.js";

const ABOVE_TALL = 16; // pixels that stay visible above a message that is taller than the view

export class MessageRows {
  #rows;
  #seen;
  #scroller;
  #dates = new Dates(lang);
  #tabStop = null; // the message that is reached by Tab

  /** `list`: the element that contains them, inside `scroller`. */
  constructor(list, scroller) {
    this.#rows = list.querySelector(".messages-rows");
    this.#seen = list.querySelector(".messages-seen");
    this.#scroller = scroller;
    this.#rows.addEventListener("click", ({ target }) => target.closest(".new-line-read") && emit(list, "read:requested"));
  }

  /** `rows` as lib/layout.js makes them; `view` as <message-list> gets it. */
  draw(rows, view) {
    reconcile(this.#rows, rows, {
      key: ({ kind, key }) => `${view.key} ${kind} ${key}`, // no row serves two conversations
      make: ({ kind }) => clone(kind === "message" ? "message" : `${kind}-line`),
      update: (element, row) => this.#update(element, row, view),
    });
    this.#setTabStop(this.#rows.lastElementChild);
    this.#showSeen(view.seenBy);
  }

  row(seq) {
    return this.#rows.querySelector(`[data-seq="${Number(seq)}"]`);
  }

  /** The last message, or null. */
  get last() {
    return this.#tabStop;
  }

  get lastOnScreen() {
    const seq = this.onScreen.at(-1);
    return seq === undefined ? null : this.row(seq);
  }

  get newLine() {
    return this.#rows.querySelector(".new-line");
  }

  /** The seqs of the messages whose last line is on screen, in order. */
  get onScreen() {
    const { top, bottom } = this.#scroller.getBoundingClientRect();
    const ends = [...this.#rows.querySelectorAll("chat-message[data-seq]")].map((row) => [row, row.getBoundingClientRect().bottom]);
    return ends.filter(([, end]) => end > top && end <= bottom + 1).map(([row]) => Number(row.dataset.seq));
  }

  /** Call `draw` and keep the first visible message in its position. */
  hold(draw) {
    const top = this.#scroller.getBoundingClientRect().top;
    const rows = [...this.#rows.querySelectorAll(":scope > :not(.day-line, .new-line)")];
    const anchor = rows.find((row) => row.getBoundingClientRect().bottom > top);
    const before = anchor?.getBoundingClientRect().top ?? 0;
    draw();
    if (!anchor?.isConnected) return;
    this.#scroller.scrollTop += anchor.getBoundingClientRect().top - before;
  }

  /**
   * Scroll message `seq` to the middle of the view and mark it; with `focus`, focus it. Of one that is taller than the
   * view, show the file with the id `file`, or its start.
   */
  reveal(seq, { focus, file = null }) {
    const row = this.row(seq);
    const view = this.#scroller.getBoundingClientRect();
    const part = (isTaller(row, view) && file && row.querySelector(`[data-file="${CSS.escape(file)}"]`)) || row;
    const { top, height } = part.getBoundingClientRect();
    this.#scroller.scrollTop += top - view.top - Math.max(ABOVE_TALL, (view.height - height) / 2);
    row.classList.remove("message-found");
    if (focus) row.focus({ preventScroll: true });
    row.classList.add("message-found");
  }

  /** {seq, top} of the first visible message; `seq` is null without one. */
  get position() {
    const { top } = this.#scroller.getBoundingClientRect();
    const row = [...this.#rows.querySelectorAll("chat-message[data-seq]")].find((one) => one.getBoundingClientRect().bottom > top);
    return row ? { seq: Number(row.dataset.seq), top: row.getBoundingClientRect().top - top } : { seq: null, top: 0 };
  }

  /** Scroll message `seq` to `top` pixels below the top, and remove its mark. */
  scrollTo(seq, top) {
    const row = this.row(seq);
    row.classList.remove("message-found");
    this.#scroller.scrollTop += row.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top - top;
  }

  #showSeen(names) {
    const people = new Intl.ListFormat(lang, { style: "narrow" }).format(names);
    this.#seen.hidden = names.length === 0;
    this.#seen.textContent = names.length === 0 ? "" : _("Seen by %(people)s", { people });
  }

  /** Make the last message reachable by Tab. */
  #setTabStop(row) {
    let last = row;
    while (last && last.localName !== "chat-message") last = last.previousElementSibling;
    if (last === this.#tabStop) return;
    if (this.#tabStop) this.#tabStop.tabIndex = -1;
    if (last) last.tabIndex = 0;
    this.#tabStop = last ?? null;
  }

  #update(element, { kind, at, message, continued }, { display, author, isUser, userOf, roomOf, find, editing, unread }) {
    if (kind === "message") {
      const isEditing = editing !== null && message.seq === editing;
      const quoted = find(message.replyTo);
      element.show(message, { continued, isEditing, dates: this.#dates, display, author: author(message.user), isUser, userOf, roomOf, quoted });
    } else if (kind === "notice") {
      element.firstElementChild.textContent = notice(message.notice, display);
    } else if (kind === "new") {
      element.querySelector(".new-line-read").hidden = unread === 0;
    } else if (kind === "day") {
      const time = element.querySelector("time");
      time.dateTime = new Date(at).toLocaleDateString("sv"); // 2031-05-03
      time.textContent = this.#dates.day(at);
    }
  }
}

const isTaller = (row, { height }) => row.getBoundingClientRect().height > height;
