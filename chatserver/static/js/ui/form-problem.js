/**
 * Show an error message: scrolled into view, focused, and associated with its field.
 *
 * `element` shows the message. Its `data-fields` maps error codes to ids of fields, "*" for any other code:
 * "conflict:room-name *:room-title". A change of the field hides the message.
 */

let lastId = 0;

export function showProblem(element, { message, code = "" }) {
  element.textContent = message;
  element.hidden = false;
  element.id ||= `problem-${(lastId += 1)}`;
  markField(element, code);
  const form = element.closest("dialog, form, account-form, .admin-list");
  if (!form?.contains(document.activeElement) && document.activeElement !== document.body) return; // the user has moved the focus elsewhere
  element.tabIndex = -1;
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block: "nearest" });
}

export function hideProblem(element) {
  element.hidden = true;
  for (const field of element.id ? document.querySelectorAll(`[data-problem="${element.id}"]`) : []) unmark(field);
}

function markField(element, code) {
  const fields = new Map((element.dataset.fields ?? "").split(" ").map((pair) => pair.split(":")));
  const field = document.getElementById(fields.get(code) ?? fields.get("*"));
  if (!field) return;
  field.setAttribute("aria-invalid", "true");
  if (field.dataset.problem) return;
  field.dataset.problem = element.id;
  field.addEventListener("input", () => hideProblem(element), { once: true });
  field.setAttribute("aria-describedby", [element.id, field.getAttribute("aria-describedby")].filter(Boolean).join(" "));
}

function unmark(field) {
  const others = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id !== field.dataset.problem);
  delete field.dataset.problem;
  field.removeAttribute("aria-invalid");
  if (others.length > 0) field.setAttribute("aria-describedby", others.join(" "));
  else field.removeAttribute("aria-describedby");
}
