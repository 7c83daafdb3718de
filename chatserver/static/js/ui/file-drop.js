/** Files that are pasted or dropped are refused, instead of being ignored or opened in the place of the chat. */

import { _ } from "../lib/i18n.js";

/** `say(text)` shows a sentence. */
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

/** A text that is copied from an office program is a picture as well. */
const isOnlyFiles = (data) => holdsFiles(data) && !data.types.includes("text/plain");
