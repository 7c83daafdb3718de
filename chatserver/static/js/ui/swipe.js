/** Gestures on a picture: swiping with a finger, dragging with the mouse. */

const MIN_SWIPE = 50; // pixels
const MIN_CLOSE = 90;
const MIN_DRAG = 4;

/** `swiped(1 | -1)` after a swipe to the left or right, `closed()` after one downwards, while `isActive()` and not pinched. */
export function watchSwipe(element, { isActive, swiped, closed }) {
  let start = null;
  element.addEventListener("touchstart", ({ touches }) => {
    const isSingle = touches.length === 1 && (globalThis.visualViewport?.scale ?? 1) < 1.05;
    start = isSingle && isActive() ? { x: touches[0].clientX, y: touches[0].clientY } : null;
  }, { passive: true });
  element.addEventListener("touchend", ({ changedTouches, touches }) => {
    if (!start || touches.length > 0) return;
    const x = changedTouches[0].clientX - start.x;
    const y = changedTouches[0].clientY - start.y;
    start = null;
    const isAcross = Math.abs(x) > Math.abs(y);
    if (isAcross && Math.abs(x) > MIN_SWIPE) swiped(x < 0 ? 1 : -1);
    else if (!isAcross && y > MIN_CLOSE) closed();
  });
}

/** Scroll `element` by dragging it with the mouse. Returns a function that says whether the last click ended a drag. */
export function watchDrag(element) {
  let dragged = false;
  element.addEventListener("pointerdown", ({ pointerType, button, clientX: left, clientY: top }) => {
    dragged = false;
    if (pointerType !== "mouse" || button !== 0) return;
    const { scrollLeft, scrollTop } = element;
    const move = ({ clientX, clientY }) => {
      dragged ||= Math.hypot(clientX - left, clientY - top) > MIN_DRAG;
      element.scrollLeft = scrollLeft + left - clientX;
      element.scrollTop = scrollTop + top - clientY;
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", () => removeEventListener("pointermove", move), { once: true });
  });
  return () => dragged;
}
