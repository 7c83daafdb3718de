/** Where the on-screen keyboard covers the page instead of shrinking it, the page shrinks itself. */

const KEYBOARD = 120; // pixels: less than this is a browser bar

const TOUCH = matchMedia("(pointer: coarse)");

export function followKeyboard(view = globalThis.visualViewport) {
  view?.addEventListener("resize", () => {
    const { style } = document.documentElement;
    const covered = TOUCH.matches && view.scale === 1 && innerHeight - view.height > KEYBOARD;
    if (covered) style.setProperty("--viewport", `${view.height}px`);
    else style.removeProperty("--viewport");
    if (covered) scrollTo(0, 0);
  });
}
