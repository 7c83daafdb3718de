/** Lists of rooms over HTTP, which the server gives page by page. */

import { sessionRequest } from "./api.js";
import { urls } from "../ui/page.js";

/** `own` rooms of this user and those that are `open` to everybody, all of them. */
export async function listRooms() {
  const first = await sessionRequest("GET", urls.rooms);
  return {
    own: await follow(first, "rooms", "rooms_after"),
    open: await follow(first, "public", "public_after"),
  };
}

async function follow(first, list, cursor) {
  const found = [...first[list]];
  for (let after = first[cursor]; after !== undefined; ) {
    const page = await sessionRequest("GET", `${urls.rooms}?${new URLSearchParams({ [cursor]: after })}`);
    found.push(...page[list]);
    after = page[cursor];
  }
  return found;
}
