/** The order of names in lists: that of the page's language, with numbers by value ("Room 2" before "Room 10"). */

const { compare } = new Intl.Collator(globalThis.document?.documentElement.lang || undefined, { numeric: true });

/** A copy of `items` in the order of the names that `nameOf(item)` returns. */
export const sortedByName = (items, nameOf) => [...items].sort((a, b) => compare(nameOf(a), nameOf(b)));
