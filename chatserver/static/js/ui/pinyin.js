/** The table of pinyin, loaded when it is first needed. */

import { needsReadings, setReadings } from "../lib/pinyin.js";

let loading = null;

/**
 * Load the table if `query` has to be compared with Chinese names among `users`, [{display}]. Returns a promise of
 * whether it was loaded now, so that more users may match.
 */
export async function loadPinyin(query, users) {
  if (!needsReadings(query, users.map(({ display }) => display))) return false;
  loading ??= fetchTable().catch(() => (loading = null));
  return (await loading) !== null;
}

async function fetchTable() {
  const response = await fetch(new URL("../pinyin.json", import.meta.url));
  setReadings((await response.json()).syllables);
  return true;
}
