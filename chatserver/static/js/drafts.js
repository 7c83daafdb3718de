/** What is written and not sent, by conversation. Kept on this device, for this user. */

import { forget, keep, names, recall } from "./local.js";
import { me } from "./page.js";

const MINE = `draft:${me.name}:`;

export const drafts = {
  read: (key) => recall(MINE + key) ?? "",
  write: (key, text) => keep(MINE + key, text.trim() ? text : ""),
  /** How many conversations have one, those of other tabs as well. */
  count: () => names(MINE).length,
  forgetAll: () => forget(MINE),
};
