/**
 * Show an error message: scrolled into view, focused, and associated with its field.
 *
 * `data-fields` of the message's element maps error codes to ids of fields, "*" for any other code:
 * "conflict:room-name *:room-title". A change of the field hides the message.
 */

let lastId = 0;

export function showProblem(place, { message, code = "" }) {
  place.textContent = message;
  place.hidden = false;
  place.id ||= `problem-${(lastId += 1)}`;
  markField(place, code);
  const form = place.closest("dialog, form, account-form, .admin-list");
  if (!form?.contains(document.activeElement) && document.activeElement !== document.body) return; // the user has moved the focus elsewhere
  place.tabIndex = -1;
  place.focus({ preventScroll: true });
  place.scrollIntoView({ block: "nearest" });
}

export function hideProblem(place) {
  place.hidden = true;
  for (const field of place.id ? document.querySelectorAll(`[data-problem="${place.id}"]`) : []) unmark(field);
}

function markField(place, code) {
  const fields = new Map((place.dataset.fields ?? "").split(" ").map((pair) => pair.split(":")));
  const field = document.getElementById(fields.get(code) ?? fields.get("*"));
  if (!field) return;
  field.setAttribute("aria-invalid", "true");
  if (field.dataset.problem) return;
  field.dataset.problem = place.id;
  field.addEventListener("input", () => hideProblem(place), { once: true });
  field.setAttribute("aria-describedby", [place.id, field.getAttribute("aria-describedby")].filter(Boolean).join(" "));
}

function unmark(field) {
  const others = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id !== field.dataset.problem);
  delete field.dataset.problem;
  field.removeAttribute("aria-invalid");
  if (others.length > 0) field.setAttribute("aria-describedby", others.join(" "));
  else field.removeAttribute("aria-describedby");
}
