/** Reject pasted and dropped files with a message; by default the browser would ignore them or leave the chat to open them. */

import { _ } from "../lib/i18n.js";

/** `say(text)` shows a message. */
export function refuseFiles(say) {
  document.addEventListener("dragover", (event) => holdsFiles(event.dataTransfer) && event.preventDefault());
  document.addEventListener("drop", (event) => holdsFiles(event.dataTransfer) && refuse(event, say));
  document.addEventListener("paste", (event) => isOnlyFiles(event.clipboardData) && refuse(event, say));
}

function refuse(event, say) {
  event.preventDefault();
  say(_("Files cannot be sent here."));
}

const holdsFiles = (data) => data?.types.includes("Files") ?? false;

/** Text copied from office programs also has an image; it is not rejected. */
const isOnlyFiles = (data) => holdsFiles(data) && !data.types.includes("text/plain");
