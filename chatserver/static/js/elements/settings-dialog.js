/**
 * <settings-dialog>: display name, language, theme and the function of Enter. Opened by
 * [data-open="settings"]. Notifications, password and sessions are separate elements in it.
 */

import { attemptOnce, sessionRequest } from "../net/api.js";
import { setUpDialog } from "../ui/dialogs.js";
import { enterKey, setEnterKey } from "../ui/enter-key.js";
import { changedFields } from "../lib/changed-fields.js";
import { _ } from "../lib/i18n.js";
import { obstacle } from "../ui/microphone.js";
import { me, urls } from "../ui/page.js";

const THEME = "chat:theme"; // read by theme.js before the first paint

class SettingsDialog extends HTMLElement {
  #form = this.querySelector(".settings-profile");
  #problem = this.querySelector(".profile-problem");
  #profile = null; // {display, locale} when the dialog was opened

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
    this.#profile = this.#formValues;
    this.#problem.hidden = true;
    this.querySelector(`[name=theme][value=${theme}]`).checked = true;
    this.querySelector(`[name=enter][value=${enter}]`).checked = true;
    this.querySelector(".voice-obstacle").textContent = obstacle();
    this.querySelector("notification-rules").opened();
    this.querySelector("notification-settings").opened();
    this.querySelector("session-list").opened();
  }

  get #formValues() {
    const { display, locale } = this.#form.elements;
    return { display: display.value, locale: locale.value };
  }

  /** Reload the page after saving, because names and texts are shown in many places. Unsent text survives that. */
  async #save() {
    const changed = changedFields(this.#profile, this.#formValues);
    const toast = document.querySelector("toast-line");
    if (!changed) {
      this.querySelector("dialog").close();
      return toast.show(_("Saved"));
    }
    await sessionRequest("PATCH", urls.me, changed);
    if (!changed.locale) toast.showAfterReload(_("Saved")); // a change of the language is visible
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
    // Without storage the theme lasts until the page is reloaded.
  }
}

/** Store the choice; the composer reads it at each key press. */
function setEnter(choice) {
  setEnterKey(choice);
  showEnter();
}

/** Show the choice: the hint next to the composer is for the default only. */
function showEnter() {
  document.documentElement.dataset.enter = enterKey();
  document.querySelector("#composer-text").enterKeyHint = enterKey() === "sends" ? "send" : "enter";
}

customElements.define("settings-dialog", SettingsDialog);
