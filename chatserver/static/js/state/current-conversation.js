/**
 * The open conversation. It changes only with the address: a user who is removed from its room
 * still sees it, read-only, as `lost`.
 */

import { NewLine } from "../lib/new-line.js";

export class CurrentConversation {
  key = null;
  lost = null; // {conversation, reason, by?} from `conversation:removed` or Destination, if the user is not a member
  newLine = new NewLine();

  #conversations;
  #held;
  #heldFrom = null; // the read position for which the line was placed

  /** `held`: see held-conversation.js. */
  constructor(conversations, held) {
    this.#conversations = conversations;
    this.#held = held;
  }

  get conversation() {
    return this.lost?.conversation ?? this.#conversations.get(this.key);
  }

  /** Open the conversation `key`. */
  show(key) {
    const isReload = this.key === null && this.#held.key === key;
    this.key = key;
    this.#heldFrom = null;
    this.#conversations.get(key).isHeld = isReload;
    if (!isReload) this.#held.key = "";
    this.lost = null;
    this.newLine.clear();
    this.check();
    this.newLine.place(this.conversation);
  }

  /** The user has marked messages of it as unread: they stay so until it is opened again, also after a reload. */
  hold() {
    const { read } = this.conversation;
    if (read === this.#heldFrom) return;
    this.#heldFrom = read;
    this.#held.key = this.key;
    this.newLine.clear();
    this.newLine.place(this.conversation);
  }

  /** Read the conversation again, which was held. */
  release() {
    this.conversation.isHeld = false;
    this.#held.key = "";
    this.newLine.clear();
  }

  /** The user is no longer a member of `conversation`. Returns whether it is the open one. */
  lose({ conversation, reason, by }) {
    if (conversation.key !== this.key) return false;
    this.lost = { conversation, reason, by };
    return true;
  }

  /** Update `lost` after a welcome or a change of membership. Returns whether the user is a member. */
  check() {
    if (this.lost?.reason === "restored") return false; // the room number may belong to another room now
    const known = this.#conversations.get(this.key);
    if (known.isDirect || known.room !== null) this.lost = null; // a direct conversation may have no room yet
    else if (this.#conversations.isComplete) this.lost ??= { conversation: known, reason: "unknown" };
    return this.lost === null;
  }

  /** Set the reason why `conversation` cannot be shown, if it is still open. */
  setUnavailable(conversation, reason) {
    if (conversation.key === this.key) this.lost = { conversation, reason };
  }
}
