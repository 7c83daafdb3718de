/** Looks up the room or user of an address that is none of the user's conversations. */

import { sessionRequest } from "../net/api.js";
import { goTo } from "../ui/layers.js";
import { hashOf, messageOf, NO_ROOM } from "../lib/route.js";
import { urls } from "../ui/page.js";

const NOT_FOUND = 404;

export class Destination {
  #users;

  constructor(users) {
    this.#users = users;
  }

  /**
   * Returns whether the conversation of `current` can be loaded. Otherwise sets the reason in `current.lost`, or
   * changes the address.
   */
  async canLoad(current) {
    const { conversation, lost } = current;
    if (lost) {
      if (lost.reason === "unknown") await this.#findRoom(current, conversation);
      return false;
    }
    return !conversation.isDirect || conversation.room !== null || this.#findUser(current, conversation);
  }

  /** Sets the reason "open" for a public room, otherwise "absent"; the server does not reveal private rooms. */
  async #findRoom(current, conversation) {
    if (conversation.key === NO_ROOM) return current.setUnavailable(conversation, "absent");
    try {
      const { title, name, topic, members } = await sessionRequest("GET", `${urls.rooms}/${conversation.key.slice(1)}`);
      Object.assign(conversation, { title: title || name, topic, members });
      current.setUnavailable(conversation, "open");
    } catch ({ status }) {
      if (status === NOT_FOUND) current.setUnavailable(conversation, "absent");
    }
  }

  /** Changes the address to the canonical spelling of the user name. Returns whether the conversation can be loaded now. */
  async #findUser(current, conversation) {
    const name = await this.#users.resolve(conversation.to);
    if (name === conversation.to || current.conversation !== conversation) return current.conversation === conversation;
    if (name === null) current.setUnavailable(conversation, "noUser");
    else goTo(hashOf(`@${name}`, messageOf(location.hash)), { replace: true });
    return false;
  }
}
