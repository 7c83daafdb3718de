/**
 * <install-banner>: offers to install the page as an app: once, on a later day than the first visit, after the user has
 * sent a message. After an answer it never appears again.
 *
 * Listens to `message:send` on the page.
 */

import { local } from "../state/local-storage.js";
import { isFirstVisit } from "../ui/first-visit.js";
import { installPrompt } from "../ui/install-prompt.js";

const ANSWERED = "install-answered";

class InstallBanner extends HTMLElement {
  connectedCallback() {
    document.addEventListener("message:send", () => this.#offer());
    installPrompt.addEventListener("install:changed", () => installPrompt.isPossible || this.#hide());
    this.querySelector(".banner-install").addEventListener("click", () => this.#answered(() => installPrompt.ask()));
    this.querySelector(".banner-no").addEventListener("click", () => this.#answered(() => {}));
  }

  #offer() {
    const isOffering = document.querySelector("notify-banner").dataset.state === "shown"; // one offer at a time
    const isFitting = installPrompt.isPossible && !isFirstVisit() && !isOffering;
    if (isFitting && !local.get(ANSWERED)) this.dataset.state = "shown";
  }

  #answered(act) {
    local.set(ANSWERED, "yes");
    this.#hide();
    act();
  }

  #hide() {
    this.dataset.state = "hidden";
  }
}

customElements.define("install-banner", InstallBanner);
