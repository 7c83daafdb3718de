/** <toast-line>: a short message that disappears by itself. */

const MIN_DURATION = 4_000; // milliseconds
const READING_TIME = 70; // milliseconds for each letter
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
    this.#timer = setTimeout(() => this.clear(), Math.max(MIN_DURATION, text.length * READING_TIME));
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
