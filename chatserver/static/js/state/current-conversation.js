/**
 * The conversation on screen. It changes only when the address does: a user who is removed from its room
 * keeps it, read-only, as `lost`.
 */

import { NewLine } from "../lib/new-line.js";

export class CurrentConversation {
  key = null;
  lost = null; // {conversation, reason, by?}, as `feed:gone` or a Destination has it: the user is no member
  newLine = new NewLine();

  #feed;

  constructor(feed) {
    this.#feed = feed;
  }

  get conversation() {
    return this.lost?.conversation ?? this.#feed.get(this.key);
  }

  /** Another conversation, as the address says. */
  show(key) {
    this.key = key;
    this.lost = null;
    this.newLine.clear();
    this.check();
    this.newLine.place(this.conversation);
  }

  /** The user is no member of `conversation` any more. Says whether it is the one on screen. */
  lose({ conversation, reason, by }) {
    if (conversation.key !== this.key) return false;
    this.lost = { conversation, reason, by };
    return true;
  }

  /** Whether the user is a member after a welcome, or a member again. A direct conversation may have no room yet. */
  check() {
    if (this.lost?.reason === "restored") return false; // the room that is known by this number is another one
    const known = this.#feed.get(this.key);
    if (known.isDirect || known.room !== null) this.lost = null;
    else if (this.#feed.isWhole) this.lost ??= { conversation: known, reason: "unknown" };
    return this.lost === null;
  }

  /** Why `conversation` cannot be shown, where it is still the one on screen. */
  explain(conversation, reason) {
    if (conversation.key === this.key) this.lost = { conversation, reason };
  }
}
