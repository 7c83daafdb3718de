/**
 * <notify-banner>: offers notifications in the page's own words, before the browser asks: once, at a visit on a later day
 * than the first one. After an answer it never appears again.
 */

import { subscribe } from "../net/push.js";
import { choices, obstacle } from "../ui/notifications.js";
import { isFirstVisit } from "../ui/first-visit.js";
import { local } from "../state/local-storage.js";
import { me } from "../ui/page.js";

const ANSWERED = `notify-answered:${me.name}`;

class NotifyBanner extends HTMLElement {
  connectedCallback() {
    this.querySelector(".banner-notify").addEventListener("click", () => this.#answered(() => this.#turnOn()));
    this.querySelector(".banner-no").addEventListener("click", () => this.#answered(() => {}));
    const isFitting = !isFirstVisit() && !obstacle() && Notification.permission === "default";
    if (isFitting && !local.get(ANSWERED)) this.dataset.state = "shown";
  }

  async #turnOn() {
    choices.isOn = (await Notification.requestPermission()) === "granted";
    if (choices.isOn) await subscribe({ content: choices.content }).catch(() => {}); // the settings say why
  }

  #answered(act) {
    local.set(ANSWERED, "yes");
    this.dataset.state = "hidden";
    act();
  }
}

customElements.define("notify-banner", NotifyBanner);
