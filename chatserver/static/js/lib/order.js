/** Update lists without moving rows that the user is about to click. */

/** The items of `shown` in the same order, with their values from `wanted`; no item is added or removed. */
export function updatedInPlace(shown, wanted) {
  const updates = new Map(wanted.map((item) => [item.key, item]));
  return shown.map((item) => updates.get(item.key) ?? item);
}

/** `shown` followed by the items of `found` that are not in it; at most `limit` items. */
export function withAppended(shown, found, limit) {
  const keys = new Set(shown.map(({ key }) => key));
  return [...shown, ...found.filter(({ key }) => !keys.has(key))].slice(0, limit);
}
