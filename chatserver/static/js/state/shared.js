/** What another app has shared with the installed page: the service worker keeps it until it is taken here. */

import { urls } from "../ui/page.js";

const CACHE = `shared ${urls.home}`; // as in service-worker.js
const MARK = "shared"; // in the query of the page that the worker opens

/** Whether the page was opened for what another app shares. */
export const isShared = () => new URLSearchParams(location.search).has(MARK);

/** Delete it: another user may log in. */
export const forgetShared = () => globalThis.caches?.delete(CACHE);

/** Take {text, files: [{name, content}]} out of the cache; null if there is nothing. */
export async function takeShared() {
  const cache = await caches.open(CACHE);
  const stored = await cache.match(urls.share);
  if (!stored) return null;
  const { text, names } = await stored.json();
  const files = await Promise.all(
    names.map(async (name, number) => ({ name, content: await (await cache.match(`${urls.share}/${number}`)).blob() })),
  );
  await caches.delete(CACHE);
  return { text, files };
}
