/** A user who logs out in one tab leaves the other tabs of this browser, too. A session that ends otherwise leaves none. */

import { me, scope, urls } from "../ui/page.js";
import { session } from "./session.js";

const channel = () => new BroadcastChannel(`chat:${scope}${me.name}:logout`);

export function announceLogout() {
  const tabs = channel();
  tabs.postMessage("logged out");
  tabs.close();
}

/** Goes to the login page when another tab has logged out. `forget()` promises that nothing is sent or kept any more. */
export function followLogout(forget = async () => {}) {
  channel().onmessage = async () => {
    if (session.isLoggingOut) return; // by this tab
    session.isLoggingOut = true;
    document.body.hidden = true; // nothing more is read or written here
    await forget();
    location.replace(urls.login);
  };
}
