/**
 * <settings-dialog>: one's name and language, the looks of the page, what Enter does. Opened by
 * [data-open="settings"]. Notifications, password and sessions have elements of their own in it.
 */

import { attemptOnce, sessionRequest } from "../net/api.js";
import { setUpDialog } from "../ui/dialogs.js";
import { enterKey, setEnterKey } from "../ui/enter-key.js";
import { changedFields } from "../lib/changed-fields.js";
import { _ } from "../lib/i18n.js";
import { me, urls } from "../ui/page.js";

const THEME = "chat:theme"; // read by theme.js before the first paint

class SettingsDialog extends HTMLElement {
  #form = this.querySelector(".settings-profile");
  #problem = this.querySelector(".settings-profile .form-problem");
  #profile = null; // {display, locale} as the form showed them at first

  constructor() {
    super();
    setUpDialog(this, { name: "settings", opened: () => this.#opened() });
  }

  connectedCallback() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      attemptOnce(this.#problem, () => this.#save());
    });
    this.addEventListener("change", ({ target }) => {
      if (target.name === "theme") setTheme(target.value);
      if (target.name === "enter") setEnter(target.value);
    });
    showEnter();
  }

  #opened() {
    const theme = document.documentElement.dataset.theme ?? "auto";
    const enter = enterKey();
    this.#form.reset();
    this.#form.elements.display.value = me.display;
    this.#profile = this.#written;
    this.#problem.hidden = true;
    this.querySelector(`[name=theme][value=${theme}]`).checked = true;
    this.querySelector(`[name=enter][value=${enter}]`).checked = true;
    this.querySelector("notification-settings").opened();
    this.querySelector("session-list").opened();
  }

  get #written() {
    const { display, locale } = this.#form.elements;
    return { display: display.value, locale: locale.value };
  }

  /** The page says names and texts in many places: it is loaded again. What is unsent survives that. */
  async #save() {
    const changed = changedFields(this.#profile, this.#written);
    const toast = document.querySelector("toast-line");
    if (!changed) {
      this.querySelector("dialog").close();
      return toast.say(_("Saved"));
    }
    await sessionRequest("PATCH", urls.me, changed);
    if (!changed.locale) toast.sayAfterReload(_("Saved")); // another language shows by itself
    return location.reload();
  }
}

function setTheme(theme) {
  const { dataset } = document.documentElement;
  if (theme === "auto") delete dataset.theme;
  else dataset.theme = theme;
  try {
    localStorage.setItem(THEME, theme);
  } catch {
    // Then until the page is loaded again.
  }
}

/** The composer reads it when a key is pressed. */
function setEnter(choice) {
  setEnterKey(choice);
  showEnter();
}

/** What the page says of the key beside the box is true for the usual choice only. */
function showEnter() {
  document.documentElement.dataset.enter = enterKey();
  document.querySelector("#composer-text").enterKeyHint = enterKey() === "sends" ? "send" : "enter";
}

customElements.define("settings-dialog", SettingsDialog);
