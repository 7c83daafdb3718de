/**
 * One press of a mouse button or a key acts once: what it did may have moved another control to the place of the
 * first one. Drops the second click of a double click, and what a held Enter or space bar presses.
 */

const CONTROLS = "button, a, [role=option]";

export function ignoreRepeats() {
  const drop = (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  const listen = (name, repeats) =>
    document.addEventListener(name, (event) => repeats(event) && event.target.closest?.(CONTROLS) && drop(event), {
      capture: true,
    });
  listen("click", ({ detail }) => detail > 1);
  listen("keydown", ({ repeat, key }) => repeat && (key === "Enter" || key === " "));
}
