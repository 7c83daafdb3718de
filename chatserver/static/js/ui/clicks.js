/**
 * Ignore repeated presses, because the first one may have moved another control under the pointer: the second click of a
 * double click, and key repeats of Enter and the space bar.
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
