/** <toast-line>: a short word on what was done or went wrong, which goes away by itself. */

const SHOWN = 4_000; // milliseconds
const KEPT = "chat:toast";

class ToastLine extends HTMLElement {
  #timer = 0;

  connectedCallback() {
    const text = takeKept();
    if (text) setTimeout(() => this.say(text)); // a text that is there from the beginning is not announced
  }

  say(text) {
    clearTimeout(this.#timer);
    this.textContent = text;
    this.#timer = setTimeout(() => this.clear(), SHOWN);
  }

  clear() {
    this.replaceChildren();
  }

  /** Says it when the page, which is about to be loaded again, is there. */
  sayAfterReload(text) {
    try {
      sessionStorage.setItem(KEPT, text);
    } catch {
      // Then nothing is said.
    }
  }
}

function takeKept() {
  try {
    const text = sessionStorage.getItem(KEPT);
    sessionStorage.removeItem(KEPT);
    return text;
  } catch {
    return null;
  }
}

customElements.define("toast-line", ToastLine);
