/** The position of the "New" line: after the last message that was read when the room was opened. */

export class NewLine {
  after = null; // the last seq that was read, or null for no line

  #placed = false; // also without a line, if nothing of the room was read
  #outdated = false; // everything was read when the window lost the focus or the connection, so the line may move

  clear() {
    this.after = null;
    this.#placed = false;
  }

  /** The window lost the focus or the connection, while `unread` messages were left. */
  leave(unread) {
    this.#outdated = unread === 0;
  }

  /** Place the line; once placed, it does not move. If nothing was read, all messages are new and there is no line. */
  place({ unread, read }) {
    if (unread === 0 || (this.#placed && !this.#outdated)) return;
    this.after = read || null;
    this.#placed = true;
    this.#outdated = false;
  }
}
