/**
 * <notification-settings>: whether this device shows notifications, what they say, and whether they also come while the
 * page is closed. Requests permission only on a click.
 */

import { RequestError } from "../net/api.js";
import { pushObstacle, sendTest, subscribe, unsubscribe } from "../net/push.js";
import { _ } from "../lib/i18n.js";
import { choices, obstacle } from "../ui/notifications.js";

class NotificationSettings extends HTMLElement {
  #obstacle = this.querySelector(".notify-obstacle");
  #closed = this.querySelector(".notify-closed");
  #test = this.querySelector(".notify-test");

  connectedCallback() {
    this.addEventListener("change", ({ target }) => {
      if (target.name === "notify") this.#turn(target.checked);
      if (target.name === "notify-content") {
        choices.content = target.value;
        this.#update();
      }
    });
    this.#test.addEventListener("click", () => this.#sendTest());
  }

  opened() {
    this.#show();
    this.#update();
  }

  #show() {
    const why = obstacle();
    const isOn = this.#isOn;
    this.querySelector("[name=notify]").checked = isOn;
    this.querySelector("[name=notify-content]").value = choices.content;
    this.querySelector(".notify-more").hidden = !isOn;
    this.querySelector("[name=notify]").disabled = why !== "";
    this.#obstacle.hidden = why === "";
    this.#obstacle.textContent = why && OBSTACLES[why]();
  }

  /** Whether notifications are shown: never without permission. */
  get #isOn() {
    return !obstacle() && Notification.permission === "granted" && choices.isOn;
  }

  async #turn(on) {
    if (on && Notification.permission !== "granted") await Notification.requestPermission();
    choices.isOn = on;
    this.opened();
  }

  /** Subscribe or unsubscribe, and show whether notifications come while the page is closed. */
  async #update() {
    const why = pushObstacle();
    this.#test.hidden = true;
    this.#closed.textContent = why ? (CLOSED[why]?.() ?? "") : "";
    if (why) return;
    try {
      if (!this.#isOn) return void (await unsubscribe());
      this.#closed.textContent = _("Checking whether they also come while the chat is closed…");
      const works = await subscribe({ content: choices.content });
      this.#closed.textContent = works ? _("They also come while the chat is closed.") : CLOSED.unsupported();
      this.#test.hidden = !works;
    } catch (error) {
      this.#closed.textContent = error instanceof RequestError ? error.message : CLOSED.unreachable();
    }
  }

  async #sendTest() {
    this.#test.disabled = true;
    try {
      this.#closed.textContent = OUTCOMES[await sendTest()]();
    } catch (error) {
      this.#closed.textContent = error.message;
    }
    this.#test.disabled = false;
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

// Why none come while the page is closed.
const CLOSED = {
  "home-screen": () =>
    _(
      "On iPhone and iPad, notifications come only to the app on the Home Screen: tap Share, then Add to Home Screen, and open the chat from there.",
    ),
  unsupported: () => _("This browser shows notifications only while the chat is open."),
  unreachable: () =>
    _(
      "They come only while the chat is open: this window is private, or this browser cannot reach its push service. In mainland China, Chrome and Edge on Android cannot; Firefox, Safari and Edge on Windows use other services.",
    ),
};

const failed = () => _("The push service of this browser did not accept the test. Turn notifications off and on again.");

const OUTCOMES = {
  accepted: () => _("The test was sent. If it does not appear within a minute, look at the notification settings of this device."),
  unreachable: () => _("The server cannot reach the push service of this browser. The operator can allow it in the firewall."),
  unanswered: () => _("The push service of this browser did not answer. If the test does not appear within a minute, try again."),
  refused: failed,
  gone: failed,
  ended: failed,
};

customElements.define("notification-settings", NotificationSettings);
