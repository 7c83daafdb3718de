/**
 * <account-form data-next="/index">: posts its form as JSON, then goes to `data-next`, or shows the error.
 * The response may name a room to open there.
 * A fragment such as `#/room/9`, which browsers keep in a redirect, is passed on to the next page.
 * Any other fragment is the value of the field `token`; it is removed from the address bar and kept in the history entry.
 * The form of a new account keeps the entered text, except the password, over a reload, and the page follows the chosen
 * language at once.
 */

import { request } from "../net/api.js";
import { _ } from "../lib/i18n.js";
import { hashOf, isRoute, roomKey } from "../lib/route.js";
import { joinSentences } from "../lib/text.js";
import { tab } from "../state/local-storage.js";
import { hideProblem, showProblem } from "../ui/form-problem.js";
import { showPageIn } from "../ui/page-language.js";

class AccountForm extends HTMLElement {
  #form = this.querySelector("form");
  #problem = this.querySelector(".form-problem");

  #stored = `form:${location.pathname}`;

  connectedCallback() {
    this.#readToken();
    if (this.#form.elements.locale) this.#followEntries();
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
  }

  #readToken() {
    const field = this.#form.elements.namedItem("token");
    if (!field) return;
    const linked = isRoute(location.hash) ? "" : decodeURIComponent(location.hash.slice(1));
    if (linked) history.replaceState({ token: linked }, "", location.pathname + location.search);
    const token = history.state?.token;
    if (!token) return;
    field.value = token;
    field.closest(".field").hidden = true;
    if (linked) this.#form.querySelector("input:not([name=token])").focus();
  }

  #followEntries() {
    const { locale } = this.#form.elements;
    for (const [name, value] of Object.entries(JSON.parse(tab.get(this.#stored) ?? "{}"))) {
      this.#form.elements.namedItem(name).value = value;
    }
    this.#form.addEventListener("input", () => {
      const { password: _password, token: _token, ...entered } = Object.fromEntries(new FormData(this.#form));
      tab.set(this.#stored, JSON.stringify(entered));
    });
    locale.addEventListener("change", () => this.#translate(locale.value));
  }

  /** Without a connection the page stays as it is. */
  async #translate(locale) {
    const isWanted = () => this.isConnected && !this.hasAttribute("aria-busy") && this.#form.elements.locale.value === locale;
    try {
      await showPageIn(locale, isWanted);
    } catch {
      // The account gets the chosen language all the same.
    }
  }

  async #send() {
    const button = this.#form.querySelector("[type=submit]");
    hideProblem(this.#problem);
    button.disabled = true;
    this.setAttribute("aria-busy", "true");
    try {
      const fields = Object.fromEntries(new FormData(this.#form));
      const { room } = await request("POST", this.#form.action, fields);
      tab.set(this.#stored, "");
      location.replace(this.#next(room)); // so that Back does not lead to the form
      return;
    } catch (error) {
      button.disabled = false;
      this.removeAttribute("aria-busy");
      this.#revealToken(error);
      showProblem(this.#problem, { code: error.code, message: withDelay(error) });
    }
  }

  /** Show the field for the token if the one in the link is not valid. */
  #revealToken({ code }) {
    const field = this.#form.elements.namedItem("token");
    if (field && (code === "forbidden" || code === "not_found")) field.closest(".field").hidden = false;
  }

  /** The next URL, on this server only, with `room` or the conversation of the fragment. */
  #next(room) {
    const next = new URL(this.dataset.next || "/", location.href);
    if (next.origin !== location.origin) return this.dataset.home;
    if (room) next.hash = hashOf(roomKey(room));
    if (isRoute(location.hash) && !next.hash) next.hash = location.hash;
    return next.href;
  }
}

function withDelay({ message, retryAfter: seconds }) {
  const wait = _("Try again in %(seconds)s s.", { seconds: Math.ceil(seconds) });
  return seconds >= 1 ? joinSentences(message, wait) : message;
}

customElements.define("account-form", AccountForm);
