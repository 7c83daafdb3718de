/**
 * The user's rules for notifications, which the server keeps for all devices.
 *
 * Events: `rules:changed`.
 */

import { sessionRequest } from "../net/api.js";
import { DEFAULT_RULES } from "../lib/notification-rules.js";
import { urls } from "../ui/page.js";

class NotificationRules extends EventTarget {
  current = DEFAULT_RULES;
  allMembers = Infinity; // see `notifies`
  #earlier = Promise.resolve(); // settles after the changes so far

  /** Load the rules. An error is ignored: the next welcome loads them again. */
  async load() {
    try {
      this.set((await sessionRequest("GET", urls.notifications)).rules);
    } catch {
      // Until then, the last known rules are in force.
    }
  }

  set(rules) {
    this.current = rules;
    this.dispatchEvent(new Event("rules:changed"));
  }

  /**
   * Change some rules on all devices, after earlier changes, of which it then contains the result. Throws RequestError;
   * then nothing has changed.
   */
  change(changes) {
    const changed = this.#earlier.then(() => this.#put({ ...this.current, ...changes }));
    this.#earlier = changed.catch(() => {});
    return changed;
  }

  async #put(rules) {
    this.set((await sessionRequest("PUT", urls.notifications, rules)).rules);
  }
}

export const notificationRules = new NotificationRules();
