/** The rows of a list under a pointer. */

/** `shown` as it is, each item with its facts of `wanted`: none comes, goes or moves. */
export function inPlace(shown, wanted) {
  const news = new Map(wanted.map((item) => [item.key, item]));
  return shown.map((item) => news.get(item.key) ?? item);
}
