/**
 * <session-dialog>: reports that another user has logged in with this browser, and offers to continue as that user or
 * to log in again. This page sends nothing more; drafts and unsent messages of its own user are kept.
 */

import { _ } from "../lib/i18n.js";
import { me, urls } from "../ui/page.js";
import { session } from "../net/session.js";

class SessionDialog extends HTMLElement {
  #dialog = this.querySelector("dialog");

  connectedCallback() {
    this.#dialog.addEventListener("keydown", (event) => event.key === "Escape" && event.preventDefault());
    this.#dialog.addEventListener("close", () => this.#dialog.showModal()); // the Back gesture of Android closes it
    document.addEventListener("session:replaced", () => this.#show());
    if (session.replaced) this.#show();
  }

  async #show() {
    this.#name("");
    this.querySelector(".session-login").hash = location.hash;
    this.#dialog.showModal();
    this.#name(await sessionUser());
  }

  #name(name) {
    this.querySelector(".session-text").textContent = _(
      "This window belongs to %(name)s. Nothing more is sent from it. Drafts and unsent messages of %(name)s are kept on this device.",
      { name: me.display },
    );
    this.querySelector(".session-continue").textContent = name ? _("Continue as %(name)s", { name }) : _("Continue");
  }
}

/** The display name of the session's user, or "". The only request that does not name the user of this page. */
async function sessionUser() {
  try {
    const response = await fetch(urls.me, { credentials: "same-origin", headers: { Accept: "application/json" } });
    const { user } = await response.json();
    return user?.display ?? "";
  } catch {
    return "";
  }
}

customElements.define("session-dialog", SessionDialog);
