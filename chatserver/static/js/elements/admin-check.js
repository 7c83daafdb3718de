/** <admin-check>: self-check of the server: requests its state, tests a WebSocket, and shows advice. */

import { sessionRequest } from "../net/api.js";
import { reconcile } from "../ui/dom.js";
import { checks } from "../lib/checks.js";
import { _, ngettext } from "../lib/i18n.js";
import { clone, socketUrl } from "../ui/page.js";
import { LOBBY, Type } from "../net/protocol.js";

const SOCKET_TIMEOUT = 8_000; // milliseconds
const REQUEST_ID = "self-check";

class AdminCheck extends HTMLElement {
  #summary = this.querySelector(".check-sum");
  #problem = this.querySelector(".form-problem");

  connectedCallback() {
    this.querySelector(".check-again").addEventListener("click", () => this.#check());
    this.#check();
  }

  async #check() {
    this.dataset.state = "busy";
    this.#problem.hidden = true;
    this.#summary.textContent = _("Checking…");
    try {
      this.#show(checks({ ...(await serverState(this.dataset.url)), page: thisPage(), socket: await roundTrip() }));
    } catch (error) {
      this.#problem.textContent = error.message;
      this.#problem.hidden = false;
      this.#summary.textContent = "";
    }
    this.dataset.state = "done";
  }

  #show(lines) {
    const wrong = lines.filter(({ verdict }) => verdict !== "good").length;
    this.#summary.textContent = wrong
      ? ngettext("%(num)s issue found.", "%(num)s issues found.", wrong)
      : _("No issues found.");
    reconcile(this.querySelector(".check-lines"), lines, {
      key: ({ title }) => title,
      make: () => clone("line"),
      update: (item, { title, verdict, text }) => {
        item.dataset.verdict = verdict;
        item.querySelector(".check-mark span").textContent = LABELS[verdict]();
        item.querySelector(".check-title").textContent = title;
        item.querySelector(".check-text").textContent = text;
      },
    });
  }
}

const LABELS = { good: () => _("Good:"), fair: () => _("Warning:"), bad: () => _("Problem:") };

/** The state of the server, and the offset of its clock from the middle of the request, in milliseconds. */
async function serverState(url) {
  const before = Date.now();
  const server = await sessionRequest("GET", url);
  return { server, clock: server.at - (before + Date.now()) / 2 };
}

function thisPage() {
  const permission = "Notification" in window ? Notification.permission : "";
  return { origin: location.origin, secure: window.isSecureContext, notifications: permission };
}

/** The round-trip time of one request over a new WebSocket, in milliseconds; null without a reply. */
function roundTrip() {
  return new Promise((resolve) => {
    const socket = new WebSocket(socketUrl());
    const end = (result) => {
      resolve(result);
      socket.close();
    };
    let sent = 0;
    setTimeout(end, SOCKET_TIMEOUT, null);
    socket.addEventListener("error", () => end(null));
    socket.addEventListener("close", () => end(null));
    socket.addEventListener("message", ({ data }) => {
      const { type, id } = JSON.parse(data);
      if (id === REQUEST_ID) end(performance.now() - sent);
      if (type !== Type.WELCOME) return;
      sent = performance.now();
      socket.send(JSON.stringify({ type: Type.HISTORY, id: REQUEST_ID, room: LOBBY, limit: 1 }));
    });
  });
}

customElements.define("admin-check", AdminCheck);
