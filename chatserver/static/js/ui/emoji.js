/** The list of emoji, loaded on first use. */

import { parseEmoji } from "../lib/emoji.js";

let loading = null;

/** All emoji as in lib/emoji.js; an empty list after an error, and the next call tries again. */
export function loadEmoji() {
  loading ??= fetchList().catch(() => {
    loading = null;
    return [];
  });
  return loading;
}

async function fetchList() {
  const response = await fetch(new URL("../emoji.json", import.meta.url));
  return parseEmoji(await response.json());
}
