/** Asks the other tabs of this user in this browser whether one of them shows a conversation to the user. */

import { me, scope } from "../ui/page.js";

export class Tabs {
  #channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(`chat:${scope}${me.name}`) : null;

  /** `shows(key)`: whether the user looks at that conversation here; `onShown(key)`: another tab shows it. */
  constructor({ shows, onShown }) {
    if (this.#channel === null) return;
    this.#channel.onmessage = ({ data: { asked, shown } }) => {
      if (asked && shows(asked)) this.#channel.postMessage({ shown: asked });
      if (shown) onShown(shown);
    };
  }

  ask(key) {
    this.#channel?.postMessage({ asked: key });
  }
}
