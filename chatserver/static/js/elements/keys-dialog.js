/** <keys-dialog>: lists the keyboard shortcuts. Opened by [data-open="keys"] and Ctrl+/. */

import { setUpDialog } from "../ui/dialogs.js";

class KeysDialog extends HTMLElement {
  #modal = setUpDialog(this, { name: "keys" });

  toggle() {
    this.#modal.toggle();
  }
}

customElements.define("keys-dialog", KeysDialog);
