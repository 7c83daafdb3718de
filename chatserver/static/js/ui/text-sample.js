/**
 * Shows the first lines of a text file, loaded when they come near the window. Dispatches `file:read` {file} to show more.
 */

import { textReader } from "../net/file-text.js";
import { _ } from "../lib/i18n.js";
import { emit } from "./dom.js";

const SAMPLE_BYTES = 2_048;
const MARGIN = "400px"; // around the window
const NOT_FOUND = 404;
const RETRY_DELAY = 2_000; // milliseconds, doubled after each failure
const MAX_FAILURES = 5;

const loaders = new WeakMap(); // element → function that loads its text
const observer = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      observer.unobserve(target);
      loaders.get(target)();
    }
  },
  { rootMargin: MARGIN },
);

/** `element`: a clone of the template "file-text"; `url`: of the content of `file`. */
export function showSample(element, file, url) {
  const sample = element.querySelector("pre");
  const more = element.querySelector(".text-more");
  more.setAttribute("aria-label", _("Show more of %(name)s", { name: file.name }));
  more.addEventListener("click", () => emit(element, "file:read", { file }));
  loaders.set(sample, () => load(sample, file, url));
  observer.observe(sample);
}

/** Load the text; try again after a failure, because the connection may be lost for some time. */
async function load(sample, { bytes }, url, failures = 0) {
  try {
    sample.textContent = await textReader(url, bytes).next(SAMPLE_BYTES);
  } catch ({ status }) {
    sample.textContent = "…";
    if (status === NOT_FOUND || failures >= MAX_FAILURES || !sample.isConnected) return;
    setTimeout(() => load(sample, { bytes }, url, failures + 1), RETRY_DELAY * 2 ** failures);
  }
}
