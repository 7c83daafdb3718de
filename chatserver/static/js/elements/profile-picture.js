/**
 * <profile-picture>: shows a picture, and lets the user choose and remove it. `data-url`: the address that stores it.
 *
 * Dispatches `picture:changed` {picture}.
 */

import { attemptOnce, sessionRequest } from "../net/api.js";
import { _ } from "../lib/i18n.js";
import { showAvatar } from "../ui/avatar.js";
import { emit } from "../ui/dom.js";

class ProfilePicture extends HTMLElement {
  #shown = { name: "", display: "", picture: "" };
  #file = this.querySelector("[type=file]");
  #choose = this.querySelector(".picture-choose");
  #remove = this.querySelector(".picture-remove");
  #problem = this.querySelector(".form-problem") ?? this.closest("dialog").querySelector(".form-problem");

  connectedCallback() {
    this.#choose.addEventListener("click", () => this.#file.click());
    this.#file.addEventListener("change", () => this.#chosen());
    this.#remove.addEventListener("click", () => attemptOnce(this.#problem, () => this.#delete()));
  }

  /** Show the picture with this id, or the letter of a name. */
  show({ name, display, picture = "" }) {
    if (name !== this.#shown.name) this.#announce("");
    this.#shown = { name, display, picture };
    showAvatar(this.querySelector(".avatar"), { ...this.#shown, kind: this.dataset.kind });
    if (!picture && document.activeElement === this.#remove) this.#choose.focus();
    this.#remove.hidden = !picture;
  }

  async #chosen() {
    const [file] = this.#file.files;
    this.#file.value = ""; // the same file can be chosen again
    if (file) await attemptOnce(this.#problem, () => this.#store(file));
  }

  async #store(file) {
    this.#announce("");
    const square = await document.querySelector("picture-cropper").crop(file);
    if (!square) return;
    this.#announce(_("Saving…"));
    const { picture, logo } = await sessionRequest("PUT", this.dataset.url, square).catch((error) => {
      this.#announce("");
      throw error;
    });
    this.#changed(picture ?? logo, _("The picture was saved."));
  }

  async #delete() {
    await sessionRequest("DELETE", this.dataset.url);
    this.#changed("", _("The picture was removed."));
  }

  #changed(picture, text) {
    this.show({ ...this.#shown, picture });
    this.#announce(text);
    emit(this, "picture:changed", { picture });
  }

  #announce(text) {
    this.querySelector("[role=status]").textContent = text;
  }
}

customElements.define("profile-picture", ProfilePicture);
