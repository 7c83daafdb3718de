/** Format unread counts. */

/** "7", "99+", or "" for none. */
export function badge(count) {
  if (count <= 0) return "";
  return count > 99 ? "99+" : String(count);
}

/** "(3) Lobby" */
export function title(name, count) {
  return count > 0 ? `(${badge(count)}) ${name}` : name;
}
