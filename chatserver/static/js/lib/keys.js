/** What a key press in a text box means. */

const COMPOSING = 229; // Safari reports the Enter that confirms a candidate after compositionend

/** True when this press is for the input method, not for us. */
export const isComposing = (event) => event.isComposing === true || event.keyCode === COMPOSING;

/** True when this press writes into a text box. A space does not count: it presses buttons and scrolls. */
export function types(event) {
  const command = (event.ctrlKey || event.altKey || event.metaKey) && !event.getModifierState?.("AltGraph");
  if (command || event.key === " ") return false;
  return Array.from(event.key).length === 1 || event.key === "Dead" || isComposing(event);
}

/** Enter alone sends, unless it `breaks` the line, as on touch keyboards; Shift+Enter always breaks it. */
export function sends(event, { breaks = false } = {}) {
  if (event.key !== "Enter" || isComposing(event) || event.altKey) return false;
  if (event.ctrlKey || event.metaKey) return true;
  return !event.shiftKey && !breaks;
}
