/** Shrink the page if the on-screen keyboard covers it instead of resizing the viewport. */

const MIN_KEYBOARD = 120; // pixels; a smaller difference is a browser bar

const TOUCH = matchMedia("(pointer: coarse)");

export function followKeyboard(view = globalThis.visualViewport) {
  view?.addEventListener("resize", () => {
    const { style } = document.documentElement;
    const covered = TOUCH.matches && view.scale === 1 && innerHeight - view.height > MIN_KEYBOARD;
    if (covered) style.setProperty("--viewport", `${view.height}px`);
    else style.removeProperty("--viewport");
    if (covered) scrollTo(0, 0);
  });
}
