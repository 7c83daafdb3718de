/** Logout in all tabs of this browser. Tabs stay open if the session ends in another way. */

import { me, scope, urls } from "../ui/page.js";
import { session } from "./session.js";

const channel = () => new BroadcastChannel(`chat:${scope}${me.name}:logout`);

export function announceLogout() {
  const tabs = channel();
  tabs.postMessage("logged out");
  tabs.close();
}

/** Go to the login page after a logout in another tab. `forget()` stops sending and deletes local data. */
export function followLogout(forget = async () => {}) {
  channel().onmessage = async () => {
    if (session.isLoggingOut) return; // by this tab
    session.isLoggingOut = true;
    document.body.hidden = true; // the page cannot be used any more
    await forget();
    location.replace(urls.login);
  };
}
