/** The confirmation before a room is archived. */

import { _ } from "./i18n.js";

export const archiveQuestion = (name) => ({
  question: _("Archive %(name)s?", { name }),
  text: _("No one can post in it until an administrator reopens it. Existing messages stay readable."),
  yes: _("Archive"),
});
