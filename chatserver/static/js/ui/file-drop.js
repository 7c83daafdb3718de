/**
 * Reject pasted and dropped files with a message; by default the browser would ignore them or leave the chat to open
 * them.
 */

import { _ } from "../lib/i18n.js";

/** `show(text)` shows a message. */
export function refuseFiles(show) {
  document.addEventListener("dragover", (event) => holdsFiles(event.dataTransfer) && event.preventDefault());
  document.addEventListener("drop", (event) => holdsFiles(event.dataTransfer) && refuse(event, show));
  document.addEventListener("paste", (event) => isOnlyFiles(event.clipboardData) && refuse(event, show));
}

function refuse(event, show) {
  event.preventDefault();
  show(_("Files cannot be sent here."));
}

const holdsFiles = (data) => data?.types.includes("Files") ?? false;

/** Text copied from office programs also has an image; it is not rejected. */
const isOnlyFiles = (data) => holdsFiles(data) && !data.types.includes("text/plain");
