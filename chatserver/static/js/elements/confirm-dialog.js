/** <confirm-dialog>: a question with a button to confirm. */

class ConfirmDialog extends HTMLElement {
  #dialog = this.querySelector("dialog");
  #answer = null;

  connectedCallback() {
    this.querySelector(".confirm-yes").addEventListener("click", () => this.#dialog.close("yes"));
    this.querySelector(".confirm-no").addEventListener("click", () => this.#dialog.close(""));
    this.#dialog.addEventListener("close", () => this.#dialog.open || this.#resolve()); // it may already be open for the next question
  }

  /** Ask a question; returns a promise of whether it was confirmed. */
  ask({ question, text = "", yes }) {
    this.#resolve();
    this.querySelector("h2").textContent = question;
    this.querySelector(".confirm-text").textContent = text;
    this.querySelector(".confirm-yes").textContent = yes;
    this.#dialog.returnValue = "";
    this.#dialog.showModal();
    return new Promise((resolve) => {
      this.#answer = resolve;
    });
  }

  #resolve() {
    this.#answer?.(this.#dialog.returnValue === "yes");
    this.#answer = null;
  }
}

customElements.define("confirm-dialog", ConfirmDialog);
