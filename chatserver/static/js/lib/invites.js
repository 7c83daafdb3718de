/** What is said of invitations. */

import { _, ngettext } from "./i18n.js";

/** `dates` says its end as the reader does. */
export function goodFor({ uses_left: uses, expires_at: end }, dates) {
  const until = dates.moment(new Date(end));
  return ngettext(
    "It is good for %(num)s person, until %(end)s.",
    "It is good for %(num)s people, until %(end)s.",
    uses,
    { end: until },
  );
}

export const revokeQuestion = () => ({
  question: _("Revoke this invitation?"),
  text: _("Nobody can use the link any more. Accounts that were made with it stay."),
  yes: _("Revoke"),
});
