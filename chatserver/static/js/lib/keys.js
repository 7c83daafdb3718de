/** What a key press in a text box means. */

const COMPOSING = 229; // Safari reports the Enter that confirms a candidate after compositionend

/** True when this press is for the input method, not for us. */
export const isComposing = (event) => event.isComposing === true || event.keyCode === COMPOSING;

/** Enter alone sends; Shift+Enter, and Enter on a touch keyboard, break the line. */
export function sends(event, { touch = false } = {}) {
  if (event.key !== "Enter" || isComposing(event) || event.altKey) return false;
  if (event.ctrlKey || event.metaKey) return true;
  return !event.shiftKey && !touch;
}
