/** Global keyboard shortcuts of the chat page, which <keys-dialog> lists, and the button to the next unread conversation. */

import { call } from "./lazy-load.js";
import { goTo } from "./layers.js";
import { isComposing } from "../lib/keys.js";
import { session } from "../net/session.js";

const LAYERS = "dialog[open], :popover-open";
const ROWS = ["unread", "favorites", "rooms", "direct"].map((name) => `[data-section=${name}] .row`).join();

export function listenToKeys(app) {
  const part = (name) => app.querySelector(name);
  part(".topbar-next").addEventListener("click", () => step(1, true));
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || isComposing(event)) return;
    const action = actionOf(event, part);
    if (action && action() !== false) event.preventDefault();
  });
}

function actionOf(event, part) {
  const { key, altKey, shiftKey } = event;
  const command = event.ctrlKey || event.metaKey;
  if (session.replaced) return null;
  if (command && !altKey && key.toLowerCase() === "k") return () => call(part("quick-switcher"), "toggle");
  if (command && !altKey && key === "/") return () => call(part("keys-dialog"), "toggle");
  if (document.querySelector(LAYERS)) return null;
  if (command && shiftKey && !altKey && key.toLowerCase() === "f") return () => call(part("side-area"), "show", "search");
  if (altKey && !command && key === "ArrowUp") return () => step(-1, shiftKey);
  if (altKey && !command && key === "ArrowDown") return () => step(1, shiftKey);
  if (key === "Escape") return () => escape(part);
  if (!event.target.closest("message-composer")) return null;
  if (key === "Tab") return shiftKey && !command && !altKey ? leaveBox(event.target, part) : null;
  return paging(key, part("message-list"));
}

/** From the box to the messages, wherever a control is between them; files that will be sent come first. */
const leaveBox = (target, part) =>
  target.localName === "textarea" && part("attachment-tray").hidden ? () => part("message-list").focusLast() : null;

function paging(key, list) {
  if (key === "PageUp") return () => list.scrollByPage(-1);
  return key === "PageDown" ? () => list.scrollByPage(1) : null;
}

/**
 * Close the search, or cancel an edit or a reply. Otherwise, unless text is being written, scroll to the end, which
 * marks all as read.
 */
function escape(part) {
  const composer = part("message-composer");
  if (part("side-area").closeSearch?.()) return;
  if (composer.cancel() || composer.text.trim()) return;
  part("message-list").toEnd({ returns: true });
  composer.focus();
}

/** Go to the next conversation of the list, or the next unread one; wraps around. */
function step(direction, unread) {
  const rows = [...document.querySelectorAll(ROWS)].filter((row) => !row.closest("[hidden]"));
  const current = rows.findIndex((row) => row.hasAttribute("aria-current"));
  const rotated = [...rows.slice(current + 1), ...rows.slice(0, Math.max(0, current))];
  const order = direction > 0 ? rotated : rotated.reverse();
  const next = order.find((row) => !unread || row.classList.contains("row-unread"));
  if (next) goTo(next.href);
}
