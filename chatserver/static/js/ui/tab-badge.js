/** What a tab in the background says of unread messages: a number in its title, a dot on its icon. */

import { title } from "../lib/unread.js";

export function showInTab(name, count) {
  document.title = `${title(name, count)} · chatserver`;
  const icon = document.querySelector("link[rel=icon]");
  icon.dataset.read ??= icon.getAttribute("href");
  const wanted = count > 0 ? icon.dataset.unread : icon.dataset.read;
  if (icon.getAttribute("href") !== wanted) icon.setAttribute("href", wanted);
}
