/** What is asked before a room is archived. */

import { _ } from "./i18n.js";

export const archiveQuestion = (name) => ({
  question: _("Archive %(name)s?", { name }),
  text: _("Nobody can write in it until an administrator opens it again. What was written stays readable."),
  yes: _("Archive"),
});
