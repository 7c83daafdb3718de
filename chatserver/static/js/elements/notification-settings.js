/**
 * <notification-settings>: for which messages this device notifies, and whether with text. Requests permission only on
 * a click.
 */

import { _ } from "../lib/i18n.js";
import { choices, obstacle } from "../ui/notifications.js";

class NotificationSettings extends HTMLElement {
  #obstacle = this.querySelector(".notify-obstacle");

  connectedCallback() {
    this.addEventListener("change", ({ target }) => {
      if (target.name === "notify") this.#choose(target.value);
      if (target.name === "notify-text") choices.text = target.checked;
    });
  }

  opened() {
    const why = obstacle();
    const allowed = !why && Notification.permission === "granted";
    const level = allowed ? choices.level : "none";
    this.querySelector(`[value=${level}]`).checked = true;
    this.querySelector("[name=notify-text]").checked = choices.text;
    this.querySelector(".notify-text").hidden = level === "none";
    for (const choice of this.querySelectorAll("[name=notify]")) choice.disabled = why !== "";
    this.#obstacle.hidden = why === "";
    this.#obstacle.textContent = why && OBSTACLES[why]();
  }

  async #choose(level) {
    if (level !== "none" && Notification.permission !== "granted") await Notification.requestPermission();
    choices.level = level === "none" ? "" : level;
    this.opened();
  }
}

const OBSTACLES = {
  insecure: () =>
    _(
      "Browsers allow notifications only over https, or from the same computer. This page came over plain http. The operator of the server can set up https.",
    ),
  unsupported: () => _("This browser does not support notifications for web pages."),
  denied: () => _("Notifications of this page are blocked in the browser. Allow them in its settings for this site."),
};

customElements.define("notification-settings", NotificationSettings);
