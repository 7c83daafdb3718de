/**
 * Loads lazy-bundle.js after the messages are shown, so that they appear sooner, or at once when the user clicks on a
 * control that needs it. Such a click is repeated when the bundle is loaded.
 */

const MAX_DELAY = 2_000; // milliseconds, if no messages are shown
const CONTROLS = "button:is([data-open], [data-panel], [data-drawer], .message-more, .composer-add, .composer-voice, .voice-play, .voice-speed, .topbar-favorite), account-menu button, a.picture"; // <nav-drawer> has a data-open too
const REPORTED_FAILURES = 3; // failures after which the page reports that a part of it is missing
const RETRY_DELAY = 1_000; // milliseconds, doubled after each failure

// Some browsers never request a module URL again after a failure.
const IMPORTS = [
  () => import("./lazy-bundle.js"),
  () => import("./lazy-bundle.js?again"),
  () => import("./lazy-bundle.js?once-more"),
];

export const lazyBundle = { module: null }; // lazy-bundle.js when it is loaded

/** `complete(module)` is called with lazy-bundle.js when it is loaded; then the early clicks are repeated. */
export async function loadLazyBundle(list, complete) {
  const early = new Set();
  let start;
  const started = new Promise((resolve) => (start = resolve));
  const hold = (event) => {
    const button = event.target.closest(CONTROLS);
    if (!button) return;
    event.preventDefault();
    event.stopPropagation();
    early.add(button);
    start();
  };
  const shown = new MutationObserver(() => list.dataset.state === "loaded" && requestAnimationFrame(start));
  shown.observe(list, { attributeFilter: ["data-state"] });
  setTimeout(start, MAX_DELAY);
  document.addEventListener("click", hold, { capture: true });
  await started;
  shown.disconnect();
  const module = await load();
  document.removeEventListener("click", hold, { capture: true });
  lazyBundle.module = module;
  lazyModule.resolve(module);
  complete(module);
  for (const button of early) button.click();
}

/** Call a method of an element that may not be defined yet. */
export async function call(element, method, ...values) {
  await customElements.whenDefined(element.localName);
  element[method](...values);
}

/** An object that lazy-bundle.js creates. */
export class Deferred {
  #waiting = []; // actions, in order
  #target = null;

  /** Call `action(object)` now, or when the object exists. */
  use(action) {
    if (this.#target) action(this.#target);
    else this.#waiting.push(action);
  }

  resolve(target) {
    this.#target = target;
    for (const action of this.#waiting.splice(0)) action(target);
  }
}

export const lazyModule = new Deferred(); // lazy-bundle.js

async function load() {
  for (let number = 0; ; number += 1) {
    try {
      return await IMPORTS[number % IMPORTS.length]();
    } catch {
      if (number === REPORTED_FAILURES) document.dispatchEvent(new Event("page:incomplete"));
      await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY * 2 ** Math.min(number, 5)));
    }
  }
}
