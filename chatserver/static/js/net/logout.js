/** Logout. The login page is shown only after the session has ended; local data of the user is deleted. */

import { RequestError, request } from "./api.js";
import { attachments } from "../state/attachments.js";
import { drafts } from "../state/drafts.js";
import { forgetShared } from "../state/shared.js";
import { goTo } from "../ui/layers.js";
import { _, ngettext } from "../lib/i18n.js";
import { joinSentences } from "../lib/text.js";
import { announceLogout } from "./logout-sync.js";
import { choices } from "../ui/notifications.js";
import { forgetSubscription } from "./push.js";
import { urls } from "../ui/page.js";
import { session } from "./session.js";

const UNAUTHORIZED = 401; // the session had ended before

/**
 * Ask before unsent text of any tab or chosen files are lost, end the session, or with `everywhere` all sessions of the user, and go to
 * the login page, in all tabs. If the server cannot end the session, show the error and offer to try again.
 * `ask(question)` returns a promise of the answer.
 */
export async function logOut({ outbox, connection, ask, everywhere }) {
  const lost = unsent(await outbox.count(), drafts.count(), attachments.size);
  if (everywhere ? !(await ask(everywhereQuestion(lost))) : lost && !(await ask(lossQuestion(lost)))) return;
  connection.end();
  session.isLoggingOut = true;
  if (await endSession(everywhere, ask)) {
    announceLogout();
    await forgetUser(outbox);
    goTo(urls.login);
  } else {
    session.isLoggingOut = false;
    if (!session.replaced) connection.resume();
  }
}

/** A sentence about what would be lost, or "". */
export function unsent(messages, texts, files) {
  const one = ngettext("%(num)s message has not been sent yet.", "%(num)s messages have not been sent yet.", messages);
  const other = ngettext("%(num)s draft has not been sent.", "%(num)s drafts have not been sent.", texts);
  const chosen = ngettext("%(num)s file was chosen and not sent.", "%(num)s files were chosen and not sent.", files);
  return joinSentences(messages > 0 && one, texts > 0 && other, files > 0 && chosen);
}

const lossQuestion = (lost) => ({
  question: _("Log out and discard what was not sent?"),
  text: lost,
  yes: _("Discard and log out"),
});

const everywhereQuestion = (lost) => ({
  question: _("Log out everywhere?"),
  text: joinSentences(_("Every device has to log in again, this one too."), lost),
  yes: lost ? _("Discard and log out everywhere") : _("Log out everywhere"),
});

/** End the session; ask whether to try again after an error. Returns whether it has ended. */
async function endSession(everywhere, ask) {
  for (;;) {
    try {
      await (everywhere ? request("DELETE", urls.sessions) : request("POST", urls.logout, {}));
      return true;
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (error.status === UNAUTHORIZED) return !everywhere; // then other devices may still be logged in
      if (session.replaced) return false;
      const again = { question: _("You are still logged in"), text: error.message, yes: _("Try again") };
      if (!(await ask(again))) return false;
    }
  }
}

async function forgetUser(outbox) {
  await outbox.clear();
  drafts.forgetAll();
  attachments.forgetAll(); // otherwise the browser would ask too
  choices.forget();
  await forgetShared();
  await forgetSubscription().catch(() => {}); // the server has ended it
}
