/** Filter a list of users, [{name, display}]. */

import { sortedByName } from "./collation.js";
import { matching } from "./matching.js";

export const FILTER_THRESHOLD = 8; // up to this many users are shown without a filter

export const byDisplay = (users) => sortedByName(users, ({ display }) => display);

/** `typed` as a query for `matching`. */
export const query = (typed) => typed.normalize("NFKC").trim().toLowerCase().replace(/^@/, "");

/** Users whose name or display name matches `typed`, the best first, and among equals by display name. */
export const filtered = (users, typed) => matching(byDisplay(users), query(typed), users.length);
