/**
 * <invite-link>: link and QR code of an invitation, with an address that other devices can reach. If the
 * server knows several, the user chooses; if it knows none, a warning explains what to do.
 */

import { showQr } from "../ui/qr.js";

class InviteLink extends HTMLElement {
  #select = this.querySelector("select");
  #invite = null;

  connectedCallback() {
    this.#select.addEventListener("change", () => this.#draw(this.#select.value));
  }

  /** `addresses`: the best first; the invitation's `url` begins with that one. */
  show(invite, addresses) {
    this.#invite = invite;
    this.#select.replaceChildren(...addresses.map((address) => new Option(address, address)));
    this.querySelector(".invite-address").hidden = addresses.length < 2;
    this.querySelector(".invite-local").hidden = addresses.length > 0;
    this.#draw(addresses[0] ?? "");
  }

  #draw(address) {
    const { url, code } = this.#invite;
    const first = this.#select.options[0]?.value ?? "";
    this.querySelector("copy-field").value = new URL(address + url.slice(first.length), location.href).href;
    showQr(this.querySelector(".qr"), code, address);
  }
}

customElements.define("invite-link", InviteLink);
