/**
 * The progress of files that are being sent, each of which can be removed.
 *
 * Dispatches `file:cancel` {key}.
 */

import { emit } from "./dom.js";
import { kindOf } from "../lib/files.js";
import { _ } from "../lib/i18n.js";
import { drawWave } from "./waveform.js";

/** Set up the element of a file, as message-files.js makes it. */
export function setUpPending(element, file) {
  if (kindOf(file) === "voice") drawWave(element.querySelector(".wave"), file.wave);
  const cancel = element.querySelector(".upload-cancel");
  cancel.setAttribute("aria-label", _("Remove %(name)s", { name: file.name }));
  cancel.addEventListener("click", () => emit(element, "file:cancel", { key: file.id }));
}

export function showProgress(element, { name, state, share, problem }) {
  element.dataset.state = state;
  const progress = element.querySelector("progress");
  progress.hidden = state === "failed";
  progress.value = share;
  progress.setAttribute("aria-label", _("Uploading %(name)s", { name }));
  element.querySelector(".upload-problem").textContent = problem ? `${name}: ${problem}` : "";
}
