/** <toast-line>: a short message that disappears by itself. */

const DURATION = 4_000; // milliseconds
const STORAGE_NAME = "chat:toast";

class ToastLine extends HTMLElement {
  #timer = 0;

  connectedCallback() {
    const text = takeStored();
    if (text) setTimeout(() => this.show(text)); // a live region does not announce its initial text
  }

  show(text) {
    clearTimeout(this.#timer);
    this.textContent = text;
    this.#timer = setTimeout(() => this.clear(), DURATION);
  }

  clear() {
    this.replaceChildren();
  }

  /** Show `text` after the page is reloaded. */
  showAfterReload(text) {
    try {
      sessionStorage.setItem(STORAGE_NAME, text);
    } catch {
      // Without storage nothing is shown.
    }
  }
}

function takeStored() {
  try {
    const text = sessionStorage.getItem(STORAGE_NAME);
    sessionStorage.removeItem(STORAGE_NAME);
    return text;
  } catch {
    return null;
  }
}

customElements.define("toast-line", ToastLine);
