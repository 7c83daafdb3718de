/** Where the "New" line stands: behind the last message that was read when the room was opened. */

export class NewLine {
  after = null; // the last seq that was read, or null for no line

  #placed = false; // where nothing was read, there is no line, and none comes later
  #old = false; // all was read and the reader went away: then it may move

  clear() {
    this.after = null;
    this.#placed = false;
  }

  /** The reader looks elsewhere, or the connection is lost; `unread` messages are left. */
  leave(unread) {
    this.#old = unread === 0;
  }

  /** Once placed it does not move. Where nothing was read, all is new and no line is needed. */
  place({ unread, read }) {
    if (unread === 0 || (this.#placed && !this.#old)) return;
    this.after = read || null;
    this.#placed = true;
    this.#old = false;
  }
}
