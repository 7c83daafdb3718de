/** Asks the user's other tabs in this browser whether one of them shows a conversation. */

import { me, scope } from "../ui/page.js";

export class Tabs {
  #channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(`chat:${scope}${me.name}`) : null;

  /** `shows(key)`: whether this tab shows the conversation and has the focus; `onShown(key)`: another tab does. */
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
