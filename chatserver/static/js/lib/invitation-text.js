/** Texts about invitations. */

import { _, ngettext } from "./i18n.js";

/** For how many users and until when an invitation is valid. `dates`: the formatter of the expiry. */
export function validityText({ uses_left: uses, expires_at: end }, dates) {
  const until = dates.moment(new Date(end));
  return ngettext(
    "Valid for %(num)s person, until %(end)s.",
    "Valid for %(num)s people, until %(end)s.",
    uses,
    { end: until },
  );
}

export const revokeQuestion = () => ({
  question: _("Revoke this invitation?"),
  text: _("The link stops working. Accounts created with it stay."),
  yes: _("Revoke"),
});
