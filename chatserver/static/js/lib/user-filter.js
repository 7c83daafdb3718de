/** Choosing one of many people, [{name, display}]. */

import { matching } from "./mentions.js";

export const FEW = 8; // people who are chosen from without a filter

export const byDisplay = (people) => [...people].sort((a, b) => a.display.localeCompare(b.display));

/** What `typed` means as the beginning or a part of a name. */
export const query = (typed) => typed.normalize("NFKC").trim().toLowerCase().replace(/^@/, "");

/** Those whose name or display name fits `typed`, the best first, and among equals by display name. */
export const filtered = (people, typed) => matching(byDisplay(people), query(typed), people.length);
