/** Interpret key presses in text boxes. */

const COMPOSING = 229; // keyCode in Safari for an Enter that confirms a candidate, which comes after compositionend

/** Whether the input method handles this key press. */
export const isComposing = (event) => event.isComposing === true || event.keyCode === COMPOSING;

/** Whether this key press types a character. A space does not count, because it presses buttons and scrolls. */
export function isCharacterKey(event) {
  const command = (event.ctrlKey || event.altKey || event.metaKey) && !event.getModifierState?.("AltGraph");
  if (command || event.key === " ") return false;
  return Array.from(event.key).length === 1 || event.key === "Dead" || isComposing(event);
}

/**
 * Whether this key press sends the message. `breaks`: Enter inserts a line break, as on touch keyboards; Shift+Enter
 * always does.
 */
export function isSendKey(event, { breaks = false } = {}) {
  if (event.key !== "Enter" || isComposing(event) || event.altKey) return false;
  if (event.ctrlKey || event.metaKey) return true;
  return !event.shiftKey && !breaks;
}
