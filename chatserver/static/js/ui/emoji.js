/** The list of emoji, fetched when somebody wants one. */

import { parseEmoji } from "../lib/emoji.js";

let loading = null;

/** All emoji, as lib/emoji.js has them. None while they cannot be had; the next call tries again. */
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
