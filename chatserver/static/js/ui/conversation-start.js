/** The introduction above the first message, which depends on the kind of conversation. */

import { roomKey } from "../lib/route.js";
import { LOBBY } from "../net/protocol.js";

export class ConversationStart {
  #list;
  #names;

  /** `list`: the element that contains it; the style sheet uses its attributes. */
  constructor(list) {
    this.#list = list;
    this.#names = [...list.querySelectorAll(".start-name")];
  }

  show({ key, kind, isPrivate, name }) {
    this.#list.dataset.kind = kind;
    this.#list.dataset.private = String(isPrivate);
    this.#list.dataset.lobby = String(key === roomKey(LOBBY));
    for (const element of this.#names) element.textContent = name;
  }
}
