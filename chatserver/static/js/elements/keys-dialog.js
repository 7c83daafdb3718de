/** <keys-dialog>: the keys that work on the chat page. Opened by [data-open="keys"] and Ctrl+/. */

import { wire } from "../ui/dialogs.js";

class KeysDialog extends HTMLElement {
  #wired = wire(this, { name: "keys" });

  toggle() {
    this.#wired.toggle();
  }
}

customElements.define("keys-dialog", KeysDialog);
