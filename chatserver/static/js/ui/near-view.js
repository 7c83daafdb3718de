/** Calls a function when an element comes near the view of its scroller: what is further away is not loaded. */

const MARGIN = "100% 0px"; // one view above and below; browsers load lazy images much earlier

export class NearView {
  #selector;
  #actions = new WeakMap();
  #observer = null;

  /** `selector`: of the scroller. */
  constructor(selector) {
    this.#selector = selector;
  }

  /** Call `action` once; `element` may be added to the page later. */
  when(element, action) {
    this.#observer ??= new IntersectionObserver((entries) => this.#changed(entries), {
      root: document.querySelector(this.#selector),
      rootMargin: MARGIN,
    });
    this.#actions.set(element, action);
    this.#observer.observe(element);
  }

  #changed(entries) {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      this.#observer.unobserve(target);
      this.#actions.get(target)();
    }
  }
}

export const messagesView = new NearView(".messages-scroll");
