/**
 * Brings what lazy-bundle.js lists when the messages are shown, so that these are there sooner; at once when
 * somebody clicks on what needs it. Such a click is not lost: it is made again when it can be answered.
 */

const PATIENCE = 2_000; // milliseconds, on a line that does not show any messages
const NEEDY = "button:is([data-open], [data-panel], [data-drawer], .message-more), account-menu button"; // <nav-drawer> has a data-open too
const FAILURES = 3; // after which the page says that a part of it is missing
const AGAIN = 1_000; // milliseconds until files are asked for again that did not come

// Some browsers never ask again for an address that has failed once.
const WAYS = [
  () => import("./lazy-bundle.js"),
  () => import("./lazy-bundle.js?again"),
  () => import("./lazy-bundle.js?once-more"),
];

export const lazyBundle = { module: null }; // lazy-bundle.js, when all of it is here

/** `complete(rest)` gets lazy-bundle.js when all elements of the page are there; then the early clicks are made again. */
export async function loadLazyBundle(list, complete) {
  const early = new Set();
  let want;
  const wanted = new Promise((resolve) => (want = resolve));
  const hold = (event) => {
    const button = event.target.closest(NEEDY);
    if (!button) return;
    event.preventDefault();
    event.stopPropagation();
    early.add(button);
    want();
  };
  const shown = new MutationObserver(() => list.dataset.state === "loaded" && requestAnimationFrame(want));
  shown.observe(list, { attributeFilter: ["data-state"] });
  setTimeout(want, PATIENCE);
  document.addEventListener("click", hold, { capture: true });
  await wanted;
  shown.disconnect();
  const rest = await load();
  document.removeEventListener("click", hold, { capture: true });
  lazyBundle.module = rest;
  complete(rest);
  for (const button of early) button.click();
}

/** Calls a method of an element that may still be on its way. */
export async function call(element, method, ...values) {
  await customElements.whenDefined(element.localName);
  element[method](...values);
}

/** Calls the methods of an object that lazy-bundle.js makes: keeps the calls, and makes them in order when it is there. */
export class Deferred {
  #calls = [];
  #target = null;

  call(method, ...values) {
    if (this.#target) this.#target[method](...values);
    else this.#calls.push([method, values]);
  }

  resolve(target) {
    this.#target = target;
    for (const [method, values] of this.#calls.splice(0)) target[method](...values);
  }
}

async function load() {
  for (let number = 0; ; number += 1) {
    try {
      return await WAYS[number % WAYS.length]();
    } catch {
      if (number === FAILURES) document.dispatchEvent(new Event("page:incomplete"));
      await new Promise((resolve) => setTimeout(resolve, AGAIN * 2 ** Math.min(number, 5)));
    }
  }
}
