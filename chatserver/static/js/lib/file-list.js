/** The list of a room's files when its newest page is loaded again. */

/**
 * `known`, the files that are shown, newest first, after `page`, {files, more}: the older ones stay. `isGone(file)`: whether
 * a file that the page does not have was deleted. Without an overlap only the page is known.
 */
export function refreshed(known, { files, more }, isGone) {
  const last = more ? known.findIndex(({ id }) => id === files.at(-1).id) : -1;
  if (last < 0) return files;
  return [...files, ...known.slice(last + 1).filter((file) => !isGone(file))];
}
