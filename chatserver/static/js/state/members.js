/** Other members of rooms, loaded when a mention is first typed there, and again when their number has changed. */

import { sessionRequest } from "../net/api.js";
import { me, urls } from "../ui/page.js";
import { LOBBY } from "../net/protocol.js";

export class Members {
  #requests = new Map(); // room and number of its members → promise
  #found = new Map(); // the same key → members, null if they could not be loaded

  /** [{name, display}]; null if every user counts as a member, undefined until they are loaded. */
  of(conversation) {
    const { room, isDirect, to } = conversation;
    if (room === LOBBY) return null;
    return isDirect ? [{ name: to, display: to }].filter(isOther) : this.#found.get(keyOf(conversation));
  }

  /** Load the members. Returns whether they were not loaded before. */
  async load(conversation) {
    const key = keyOf(conversation);
    if (this.of(conversation) !== undefined) return false;
    if (!this.#requests.has(key)) this.#requests.set(key, this.#request(conversation.room));
    this.#found.set(key, await this.#requests.get(key));
    return true;
  }

  #request(room) {
    const request = sessionRequest("GET", `${urls.rooms}/${room}/members`);
    return request.then(({ members }) => members.filter(isOther)).catch(() => null);
  }
}

const keyOf = ({ room, members }) => `${room} ${members}`;

const isOther = ({ name }) => name !== me.name;
