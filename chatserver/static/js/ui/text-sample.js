/**
 * Shows the first lines of a text file, loaded when they come near the window. The height is known before, so that
 * nothing moves. Dispatches `file:read` {file} to show more.
 */

import { textReader } from "../net/file-text.js";
import { sampleLines } from "../lib/files.js";
import { _ } from "../lib/i18n.js";
import { emit } from "./dom.js";

const SAMPLE_BYTES = 2_048;
const MARGIN = "400px"; // around the window

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
  sample.style.setProperty("--lines", sampleLines(file.bytes));
  more.setAttribute("aria-label", _("Show more of %(name)s", { name: file.name }));
  more.addEventListener("click", () => emit(element, "file:read", { file }));
  loaders.set(sample, () => load(sample, file, url));
  observer.observe(sample);
}

async function load(sample, { bytes }, url) {
  try {
    sample.textContent = await textReader(url, bytes).next(SAMPLE_BYTES);
  } catch {
    sample.textContent = "…"; // `Show more` tries again, and reports the problem
  }
}
