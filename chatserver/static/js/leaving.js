/** Logging out: nothing of this user stays on the device. */

import { request } from "./api.js";
import { ngettext } from "./lib/i18n.js";
import { forget } from "./local.js";
import { goToLogin, me, meanToLeave, urls } from "./page.js";

/** Asks before unsent messages are thrown away. */
export function mayLose(count) {
  const question = ngettext(
    "%(num)s message has not been sent yet and will be lost. Log out?",
    "%(num)s messages have not been sent yet and will be lost. Log out?",
    count,
  );
  return count === 0 || confirm(question);
}

/** Ends the session, forgets drafts, and goes to the login page. */
export async function logOut() {
  forget(`draft:${me.name}:`);
  meanToLeave();
  await request("POST", urls.logout, {}).catch(() => null);
  goToLogin();
}
