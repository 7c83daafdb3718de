/**
 * <message-composer>: where one writes. Keeps a draft for each conversation. Never disabled.
 *
 * Sends `message:send` {text}.
 */

import { say } from "../dom.js";
import { _ } from "../lib/i18n.js";
import { sends } from "../lib/keys.js";
import { keep, recall } from "../local.js";
import { me } from "../page.js";

const TOUCH = matchMedia("(hover: none) and (pointer: coarse)");
const GROWS = CSS.supports("field-sizing", "content");
const WARN = 200; // characters before the limit at which the count appears

class MessageComposer extends HTMLElement {
  limit = 4_000; // characters; `welcome` tells

  #form = this.querySelector("form");
  #box = this.querySelector("textarea");
  #count = this.querySelector(".composer-count");
  #key = null;

  connectedCallback() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#box.addEventListener("input", () => this.#changed());
    this.#box.addEventListener("keydown", (event) => {
      if (!sends(event, { touch: TOUCH.matches })) return;
      event.preventDefault();
      this.#send();
    });
  }

  /** Another conversation: its name, its draft. */
  open(key, name) {
    if (key !== this.#key) {
      this.#key = key;
      this.#box.value = recall(this.#draft) ?? "";
      this.#changed();
      if (!TOUCH.matches) this.focus();
    }
    this.#box.placeholder = key.startsWith("@") ? _("Message %(name)s", { name }) : _("Message #%(name)s", { name });
  }

  focus() {
    this.#box.focus({ preventScroll: true });
  }

  get #draft() {
    return `draft:${me.name}:${this.#key}`;
  }

  #send() {
    const text = this.#box.value.trim();
    if (!text || this.#left() < 0 || this.#key === null) return;
    this.#box.value = "";
    this.#changed();
    say(this, "message:send", { text });
    this.focus();
  }

  #left() {
    return this.limit - Array.from(this.#box.value.trim()).length;
  }

  #changed() {
    keep(this.#draft, this.#box.value);
    const left = this.#left();
    this.#form.dataset.empty = String(!this.#box.value.trim());
    this.#count.textContent = left <= WARN ? left : "";
    this.#count.dataset.over = String(left < 0);
    if (GROWS) return;
    this.#box.style.height = "auto";
    this.#box.style.height = `${this.#box.scrollHeight + 2}px`;
  }
}

customElements.define("message-composer", MessageComposer);
