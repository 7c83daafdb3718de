/** <install-settings>: a button that installs the page as an app, where the browser can do it, or how to do it. */

import { isInstalled, isIos } from "../net/push.js";
import { _ } from "../lib/i18n.js";
import { installPrompt } from "../ui/install-prompt.js";

class InstallSettings extends HTMLElement {
  connectedCallback() {
    installPrompt.addEventListener("install:changed", () => this.#show());
    this.querySelector("button").addEventListener("click", () => installPrompt.ask());
    this.#show();
  }

  #show() {
    const isByHand = isIos() && !isInstalled();
    this.hidden = !isByHand && !installPrompt.isPossible;
    this.querySelector("button").hidden = !installPrompt.isPossible;
    this.querySelector("p").textContent = isByHand
      ? _("To install the chat as an app, tap Share, then Add to Home Screen.")
      : _("As an app, the chat has its own window and icon.");
  }
}

customElements.define("install-settings", InstallSettings);
