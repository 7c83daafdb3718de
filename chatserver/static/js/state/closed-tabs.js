/** Notifies the user's other tabs in this browser when this one is closed, so that they send what it has left unsent. */

import { me, scope } from "../ui/page.js";

/** Call `adopt` when another tab is closed. */
export function watchClosedTabs(adopt) {
  const channel = new BroadcastChannel(`chat:${scope}${me.name}:closed`);
  channel.onmessage = adopt;
  addEventListener("pagehide", () => channel.postMessage("closed"));
}
