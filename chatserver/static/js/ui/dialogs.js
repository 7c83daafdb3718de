/**
 * Modal <dialog>s that are closed by their close button, Escape, Back or a click outside. If text was entered and not
 * submitted, the user is asked first.
 *
 * Listens on each dialog to `dialog:close-requested` (Back), whose default action is to close it without a question.
 */

import { _ } from "../lib/i18n.js";
import { isComposing } from "../lib/keys.js";

const initial = new WeakMap(); // dialog → the values of its forms when it was opened
const values = new WeakMap(); // field of a form → its value when the dialog was opened
const sent = new WeakMap(); // dialog → the values of its forms when one was submitted

/** Set up the dialog in `element`, which [data-open="name"] or `toggle` opens. */
export function setUpDialog(element, { name, opened = () => {} }) {
  const dialog = element.querySelector("dialog");
  const open = (opener) => {
    dialog.showModal();
    opened(opener);
    markUnchanged(dialog);
  };
  document.addEventListener("click", ({ target }) => {
    const opener = target.closest(`[data-open="${name}"]`);
    if (opener) open(opener);
  });
  makeClosable(dialog);
  return { dialog, toggle: () => (dialog.open ? requestClose(dialog) : open(null)) };
}

/** Let the user close `dialog`. */
export function makeClosable(dialog) {
  let pressedOutside = false; // false for a text selection that ends outside the dialog
  dialog.addEventListener("pointerdown", (event) => {
    pressedOutside = isOutside(dialog, event);
  });
  dialog.addEventListener("click", (event) => {
    const outside = pressedOutside && isOutside(dialog, event);
    if (outside || event.target.closest(".dialog-close")) requestClose(dialog);
  });
  const intercept = (event) => {
    if (event.defaultPrevented || !isChanged(dialog)) return;
    event.preventDefault();
    requestClose(dialog);
  };
  dialog.addEventListener("keydown", (event) => event.key === "Escape" && !isComposing(event) && intercept(event));
  dialog.addEventListener("dialog:close-requested", (event) => {
    event.preventDefault();
    requestClose(dialog);
  });
  dialog.addEventListener("submit", () => sent.set(dialog, entered(dialog)));
  dialog.addEventListener("cancel", intercept); // Escape while nothing in the dialog has the focus
}

/** Treat the present values of the forms in `dialog` as unchanged by the user. */
export function markUnchanged(dialog) {
  initial.set(dialog, entered(dialog));
  for (const field of fields(dialog)) values.set(field, field.value);
  sent.delete(dialog);
}

/** Call `fill`, which shows newer values in the open dialog; fields that the user has changed keep their values. */
export function refill(dialog, fill) {
  const changed = fields(dialog).filter((field) => values.has(field) && values.get(field) !== field.value);
  const typed = changed.map((field) => [field, field.value]);
  fill();
  markUnchanged(dialog);
  for (const [field, value] of typed) field.value = value;
}

/** Close `dialog`; ask first if entered text would be lost. */
export async function requestClose(dialog) {
  if (isChanged(dialog)) {
    const question = { question: _("Discard your changes?"), yes: _("Discard") };
    if (!(await document.querySelector("confirm-dialog").ask(question))) return;
    for (const form of dialog.querySelectorAll("form")) form.reset();
  }
  dialog.close();
}

function isChanged(dialog) {
  const now = entered(dialog);
  const isSent = now === sent.get(dialog) && !dialog.querySelector(".form-problem:not([hidden])");
  return initial.has(dialog) && now !== initial.get(dialog) && !isSent;
}

const fields = (dialog) => [...dialog.querySelectorAll("form")].flatMap(({ elements }) => [...elements]);

const entered = (dialog) => JSON.stringify([...dialog.querySelectorAll("form")].map((form) => [...new FormData(form)]));

function isOutside(dialog, { target, clientX, clientY }) {
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  return target === dialog && (clientX < left || clientX > right || clientY < top || clientY > bottom);
}
