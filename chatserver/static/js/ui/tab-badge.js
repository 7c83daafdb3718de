/** Show the unread count in the browser tab: a number in the title, a dot on the icon. */

import { title } from "../lib/unread.js";
import { serverName } from "./page.js";

export function showInTab(name, count) {
  document.title = `${title(name, count)} · ${serverName()}`;
  const icon = document.querySelector("link[rel=icon]");
  icon.dataset.read ??= icon.getAttribute("href");
  const wanted = count > 0 ? icon.dataset.unread : icon.dataset.read;
  if (icon.getAttribute("href") !== wanted) icon.setAttribute("href", wanted);
}
