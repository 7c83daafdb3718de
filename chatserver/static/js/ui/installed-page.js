/**
 * What the page does like an installed app: it registers the service worker, keeps the push subscription, reports
 * whether the user looks at it, shows a badge, and takes what other apps share.
 */

import { attachments } from "../state/attachments.js";
import { isShared, takeShared } from "../state/shared.js";
import { Visibility } from "../state/visibility.js";
import { activeWorker, pushObstacle, registerWorker, subscribe } from "../net/push.js";
import { Type } from "../net/protocol.js";
import { goTo } from "./layers.js";
import { choices } from "./notifications.js";
import { urls } from "./page.js";
import { _ } from "../lib/i18n.js";
import { hashOf } from "../lib/route.js";

const OPENERS = { switcher: "quick-switcher", search: ".topbar-search" }; // by the value of `open` in the address

export class InstalledPage {
  #app;
  #conversations;
  #visibility;
  #badge = null; // the number that is shown

  constructor(app, { conversations, connection, notifications }) {
    this.#app = app;
    this.#conversations = conversations;
    this.#visibility = new Visibility((visible) => connection.send({ type: Type.VISIBLE, visible }));
    this.#visibility.watch();
    this.#start(notifications);
    this.#openShortcut();
  }

  async #start(notifications) {
    if (!(await registerWorker())) return;
    navigator.serviceWorker.addEventListener("message", ({ data }) => data.open && goTo(new URL(data.open).hash));
    notifications.worker = await activeWorker();
    const isWanted = choices.isOn && !pushObstacle() && Notification.permission === "granted";
    if (isWanted) await subscribe({ content: choices.content }).catch(() => {}); // the settings say why
  }

  /** The conversations have applied a welcome. */
  welcomed() {
    this.#visibility.reset();
    this.changed();
    if (isShared() && "caches" in globalThis) this.#offerShared();
  }

  /** Messages or read positions have changed: show how many conversations call the user. */
  changed() {
    const calls = ({ archived, notify, isDirect, muted, unread, mentions }) =>
      !archived && notify !== "nothing" && (mentions > 0 || (isDirect && !muted && unread > 0));
    const count = this.#conversations.all.filter(calls).length;
    if (count === this.#badge) return;
    this.#badge = count;
    navigator.setAppBadge?.(count).catch(() => {}); // not installed
  }

  /** Ask for the conversation, and put there what another app has shared. */
  async #offerShared() {
    history.replaceState(history.state, "", urls.index + location.hash);
    const shared = await takeShared();
    const key = shared && (await this.#app.querySelector("quick-switcher").choose(_("Share in a room or with a person")));
    if (!key) return;
    goTo(hashOf(key));
    attachments.add(shared.files);
    if (shared.text) this.#app.querySelector("message-composer").restore(shared.text);
  }

  /** Open what a shortcut of the installed page names in the address. */
  #openShortcut() {
    const name = new URLSearchParams(location.search).get("open");
    const opener = Object.hasOwn(OPENERS, name ?? "") && this.#app.querySelector(OPENERS[name]);
    if (!opener) return;
    history.replaceState(history.state, "", urls.index + location.hash);
    if (opener.toggle) opener.toggle();
    else opener.click();
  }
}
