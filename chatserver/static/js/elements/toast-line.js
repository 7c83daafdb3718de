/** <toast-line>: a short word on what was done or went wrong, which goes away by itself. */

const SHOWN = 4_000; // milliseconds

class ToastLine extends HTMLElement {
  #timer = 0;

  say(text) {
    clearTimeout(this.#timer);
    this.textContent = text;
    this.#timer = setTimeout(() => this.replaceChildren(), SHOWN);
  }
}

customElements.define("toast-line", ToastLine);
