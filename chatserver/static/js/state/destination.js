/** Finds out, for an address that names none of the user's conversations, what is there. */

import { sessionRequest } from "../net/api.js";
import { goTo } from "../ui/layers.js";
import { hashOf, messageOf, NO_ROOM } from "../lib/route.js";
import { urls } from "../ui/page.js";

const NOT_FOUND = 404;

export class Destination {
  #people;

  constructor(people) {
    this.#people = people;
  }

  /** Whether the conversation of `current`, a CurrentConversation, can be loaded. Else its `lost` has the reason, or the address changes. */
  async reaches(current) {
    const { conversation, lost } = current;
    if (lost) {
      if (lost.reason === "unknown") await this.#findRoom(current, conversation);
      return false;
    }
    return !conversation.isDirect || conversation.room !== null || this.#findUser(current, conversation);
  }

  /** A room that can be joined, or "absent": the server does not say whether a private room exists. */
  async #findRoom(current, conversation) {
    if (conversation.key === NO_ROOM) return current.explain(conversation, "absent");
    try {
      const { title, name, topic, members } = await sessionRequest("GET", `${urls.rooms}/${conversation.key.slice(1)}`);
      Object.assign(conversation, { title: title || name, topic, members });
      current.explain(conversation, "open");
    } catch ({ status }) {
      if (status === NOT_FOUND) current.explain(conversation, "absent");
    }
  }

  /** Opens the conversation under the user's own spelling of the name. True where it can be loaded now. */
  async #findUser(current, conversation) {
    const name = await this.#people.resolve(conversation.to);
    if (name === conversation.to || current.conversation !== conversation) return current.conversation === conversation;
    if (name === null) current.explain(conversation, "nobody");
    else goTo(hashOf(`@${name}`, messageOf(location.hash)), { replace: true });
    return false;
  }
}
