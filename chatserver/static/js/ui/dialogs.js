/**
 * Modal <dialog>s: closed by their cross, by Escape, by Back and by a click beside them. Where something was entered
 * and not sent, the user is asked first.
 */

import { _ } from "../lib/i18n.js";
import { isComposing } from "../lib/keys.js";

const initial = new WeakMap(); // dialog → what its forms held when it was opened
const values = new WeakMap(); // field of a form → its value then
const sent = new WeakMap(); // dialog → what they held when one of them was submitted

/** A dialog that a button or a key opens. */
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

/** Lets the user close `dialog`. */
export function makeClosable(dialog) {
  let pressedBeside = false; // a selection of text that ends beside the dialog began in it
  dialog.addEventListener("pointerdown", (event) => {
    pressedBeside = isBeside(dialog, event);
  });
  dialog.addEventListener("click", (event) => {
    const beside = pressedBeside && isBeside(dialog, event);
    if (beside || event.target.closest(".dialog-close")) requestClose(dialog);
  });
  const intercept = (event) => {
    if (event.defaultPrevented || !isChanged(dialog)) return;
    event.preventDefault();
    requestClose(dialog);
  };
  dialog.addEventListener("keydown", (event) => event.key === "Escape" && !isComposing(event) && intercept(event));
  dialog.addEventListener("submit", () => sent.set(dialog, entered(dialog)));
  dialog.addEventListener("cancel", intercept); // Escape while nothing in the dialog has the focus
}

/** What the forms of `dialog` hold now was not entered by the user. */
export function markUnchanged(dialog) {
  initial.set(dialog, entered(dialog));
  for (const field of fields(dialog)) values.set(field, field.value);
  sent.delete(dialog);
}

/** Calls `fill`, which shows newer facts in the open dialog. Fields that the user has changed keep what was entered. */
export function refill(dialog, fill) {
  const changed = fields(dialog).filter((field) => values.has(field) && values.get(field) !== field.value);
  const typed = changed.map((field) => [field, field.value]);
  fill();
  markUnchanged(dialog);
  for (const [field, value] of typed) field.value = value;
}

/** Closes `dialog`; asks first where something would be lost. */
export async function requestClose(dialog) {
  if (isChanged(dialog)) {
    const question = { question: _("Discard what you have entered?"), yes: _("Discard") };
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

function isBeside(dialog, { target, clientX, clientY }) {
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  return target === dialog && (clientX < left || clientX > right || clientY < top || clientY > bottom);
}
