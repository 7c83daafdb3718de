/**
 * <account-form data-next="/index">: posts its form as JSON, then goes to `data-next`, or shows the error.
 * The response may name a room to open there.
 * A fragment such as `#/room/9`, which browsers keep in a redirect, is passed on to the next page.
 * Any other fragment is the value of the field `token`, and is removed from the address bar.
 */

import { request } from "../net/api.js";
import { _ } from "../lib/i18n.js";
import { hashOf, isRoute, roomKey } from "../lib/route.js";
import { hideProblem, showProblem } from "../ui/form-problem.js";

class AccountForm extends HTMLElement {
  #form = this.querySelector("form");
  #problem = this.querySelector(".form-problem");

  connectedCallback() {
    this.#readToken();
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
  }

  #readToken() {
    const field = this.#form.elements.namedItem("token");
    const token = decodeURIComponent(location.hash.slice(1));
    if (!field || !token || isRoute(location.hash)) return;
    field.value = token;
    field.closest(".field").hidden = true;
    history.replaceState(null, "", location.pathname + location.search);
    this.#form.querySelector("input:not([name=token])").focus();
  }

  async #send() {
    const button = this.#form.querySelector("[type=submit]");
    hideProblem(this.#problem);
    button.disabled = true;
    this.setAttribute("aria-busy", "true");
    try {
      const fields = Object.fromEntries(new FormData(this.#form));
      const { room } = await request("POST", this.#form.action, fields);
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
  return seconds >= 1 ? `${message} ${wait}` : message;
}

customElements.define("account-form", AccountForm);
