/** Lists of rooms from the HTTP API, which is paginated. */

import { sortedByName } from "../lib/collation.js";
import { sessionRequest } from "./api.js";
import { urls } from "../ui/page.js";

/** All `own` rooms of the user and all public rooms (`open`), by title. */
export async function listRooms() {
  const first = await sessionRequest("GET", urls.rooms);
  return {
    own: await allPages(first, "rooms", "rooms_after"),
    open: await allPages(first, "public", "public_after"),
  };
}

async function allPages(first, list, cursor) {
  const found = [...first[list]];
  for (let after = first[cursor]; after !== undefined; ) {
    const page = await sessionRequest("GET", `${urls.rooms}?${new URLSearchParams({ [cursor]: after })}`);
    found.push(...page[list]);
    after = page[cursor];
  }
  return sortedByName(found, ({ title, name }) => title || name || "");
}
