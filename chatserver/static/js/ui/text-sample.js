/**
 * Shows the first lines of a text file, loaded when they come near the window. Dispatches `file:read` {file} to show more,
 * if there is more.
 */

import { textReader } from "../net/file-text.js";
import { MAX_LINES } from "../lib/files.js";
import { _ } from "../lib/i18n.js";
import { emit } from "./dom.js";
import { messagesView } from "./near-view.js";

const SAMPLE_BYTES = 2_048;
const NOT_FOUND = 404;
const RETRY_DELAY = 2_000; // milliseconds, doubled after each failure
const MAX_FAILURES = 5;

/** `element`: a clone of the template "file-text"; `url`: of the content of `file`. */
export function showSample(element, file, url) {
  const sample = element.querySelector("pre");
  const more = element.querySelector(".text-more");
  more.setAttribute("aria-label", _("Show more of %(name)s", { name: file.name }));
  more.addEventListener("click", () => emit(element, "file:read", { file }));
  messagesView.when(sample, () => load(sample, { file, url, more }));
}

/** Load the text; try again after a failure, because the connection may be lost for some time. */
async function load(sample, { file, url, more }, failures = 0) {
  try {
    const reader = textReader(url, file.bytes);
    sample.textContent = await reader.next(SAMPLE_BYTES);
    if (reader.isAtEnd) fit(sample, more);
  } catch ({ status }) {
    sample.textContent = "…";
    if (status === NOT_FOUND || failures >= MAX_FAILURES || !sample.isConnected) return;
    setTimeout(() => load(sample, { file, url, more }, failures + 1), RETRY_DELAY * 2 ** failures);
  }
}

/**
 * Give a short text as much room as it needs: until now that was a guess. The text is measured as it is, because a
 * smaller box, even for a moment, would move the list of messages.
 */
function fit(sample, more) {
  const reserved = Number(sample.style.getPropertyValue("--lines"));
  const text = document.createRange();
  text.selectNodeContents(sample);
  const height = text.getBoundingClientRect().height;
  const lines = Math.max(1, Math.round((height * reserved) / sample.clientHeight));
  sample.style.setProperty("--lines", Math.min(lines, MAX_LINES));
  more.hidden = lines <= MAX_LINES;
}
