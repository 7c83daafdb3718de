/** Finds out, for an address that names none of the user's conversations, what is there. */

import { ask } from "../net/api.js";
import { goTo } from "../ui/layers.js";
import { hashOf, messageOf, NOWHERE } from "../lib/route.js";
import { urls } from "../ui/page.js";

const NOT_FOUND = 404;

export class Destination {
  #people;

  constructor(people) {
    this.#people = people;
  }

  /** Whether the conversation of `place`, a Current, can be loaded. Else its `lost` has the reason, or the address changes. */
  async reaches(place) {
    const { conversation, lost } = place;
    if (lost) {
      if (lost.reason === "unknown") await this.#findRoom(place, conversation);
      return false;
    }
    return !conversation.isDirect || conversation.room !== null || this.#findUser(place, conversation);
  }

  /** A room that can be joined, or "absent": the server does not say whether a private room exists. */
  async #findRoom(place, conversation) {
    if (conversation.key === NOWHERE) return place.explain(conversation, "absent");
    try {
      const { title, name, topic, members } = await ask("GET", `${urls.rooms}/${conversation.key.slice(1)}`);
      Object.assign(conversation, { title: title || name, topic, members });
      place.explain(conversation, "open");
    } catch ({ status }) {
      if (status === NOT_FOUND) place.explain(conversation, "absent");
    }
  }

  /** Opens the conversation under the user's own spelling of the name. True where it can be loaded now. */
  async #findUser(place, conversation) {
    const name = await this.#people.resolve(conversation.to);
    if (name === conversation.to || place.conversation !== conversation) return place.conversation === conversation;
    if (name === null) place.explain(conversation, "nobody");
    else goTo(hashOf(`@${name}`, messageOf(location.hash)), { replace: true });
    return false;
  }
}
