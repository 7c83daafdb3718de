/** Rows that somebody is about to choose from stay where they are. */

/** `shown` as it is, each item with its facts of `wanted`: none comes, goes or moves. */
export function updatedInPlace(shown, wanted) {
  const news = new Map(wanted.map((item) => [item.key, item]));
  return shown.map((item) => news.get(item.key) ?? item);
}

/** `shown` as it is, and behind it what came late; at most `limit` items. */
export function withAppended(shown, found, limit) {
  const keys = new Set(shown.map(({ key }) => key));
  return [...shown, ...found.filter(({ key }) => !keys.has(key))].slice(0, limit);
}
