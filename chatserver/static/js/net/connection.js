/**
 * A WebSocket that reconnects. Owns the socket, the back-off, the watchdog and the requests that wait for a reply.
 * Knows nothing of rooms.
 *
 * Events: `connection:changed` {state, code?, reason?}, `frame:received` {frame}.
 * States: "connecting", "online" (welcomed), "waiting" (for the next attempt), "ended" (no reconnection).
 */

import { Backoff } from "../lib/backoff.js";
import { newId } from "../lib/ids.js";
import { encoded } from "../lib/text.js";
import { CloseCode, Type } from "./protocol.js";

const SILENCE_TIMEOUT = 45_000; // milliseconds without any frame until the connection counts as dead
const WELCOME_TIMEOUT = 15_000; // milliseconds from opening the socket to the welcome
const REPLY_TIMEOUT = 20_000; // milliseconds

/**
 * A request without a reply; the server may have executed it. `timedOut`: the connection was open; `unsent`: it was not
 * sent.
 */
export class NoReply extends Error {
  constructor(message, { timedOut = false, unsent = false } = {}) {
    super(message);
    this.timedOut = timedOut;
    this.unsent = unsent;
  }
}

export class Connection extends EventTarget {
  state = "waiting";

  #url;
  #accepts;
  #backoff = new Backoff();
  #socket = null;
  #watchdog = 0;
  #retry = 0;
  #lastFrameAt = 0;
  #isLoginRequired = false; // the session has ended
  #replies = new Map(); // id → {resolve, reject, timer}

  /** `accepts(welcome)`: whether the connection is for the user of this page; otherwise nothing more is read from it. */
  constructor(url, { accepts }) {
    super();
    this.#url = url;
    this.#accepts = accepts;
  }

  /** Whether commands can be sent: "online", "waiting" for a connection, or "login" if that is required first. */
  get availability() {
    if (this.state === "online") return "online";
    return this.state === "ended" && this.#isLoginRequired ? "login" : "waiting";
  }

  start() {
    addEventListener("online", () => this.retryNow());
    // The browser detects a lost network at once, the watchdog only after SILENCE_TIMEOUT.
    addEventListener("offline", () => this.state === "online" && this.reconnect());
    document.addEventListener("visibilitychange", () => this.#becameVisible());
    addEventListener("pageshow", () => this.#becameVisible());
    this.#open();
  }

  /** Connect at once instead of waiting for the back-off. */
  retryNow() {
    if (this.state !== "waiting") return;
    clearTimeout(this.#retry);
    this.#open();
  }

  /**
   * Send `frame` with an id and return its reply, also a refusal. Rejects with NoReply without a reply, and with
   * another error if the frame cannot be encoded.
   */
  request(frame, { timeout = REPLY_TIMEOUT } = {}) {
    const id = frame.id ?? newId();
    // A closing socket accepts data and drops it; its close event can be seconds away.
    if (this.state === "online" && this.#socket.readyState !== WebSocket.OPEN) this.reconnect();
    if (this.state !== "online") return Promise.reject(new NoReply("offline", { unsent: true }));
    return new Promise((resolve, reject) => {
      this.#socket.send(encoded({ ...frame, id }));
      const timer = setTimeout(() => this.#rejectReply(id, new NoReply("no reply", { timedOut: true })), timeout);
      this.#replies.set(id, { resolve, reject, timer });
    });
  }

  /** Send `frame`, which has no reply. Returns false without a connection. */
  send(frame) {
    const open = this.state === "online" && this.#socket.readyState === WebSocket.OPEN;
    if (open) this.#socket.send(encoded(frame));
    return open;
  }

  /** Close the connection until `resume`, because of a logout, the end of the session (`code`) or another user's session. */
  end(code) {
    this.#drop();
    this.#change("ended", { code });
  }

  /** Reconnect after a logout that failed. */
  resume() {
    if (this.state === "ended") this.#open();
  }

  /** Drop the connection and open a new one. */
  reconnect() {
    if (this.state === "ended") return;
    this.#drop();
    this.#openLater();
  }

  #open() {
    this.#change("connecting");
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#read(data);
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
    this.#lastFrameAt = Date.now();
    this.#watch(WELCOME_TIMEOUT);
  }

  #read(data) {
    this.#lastFrameAt = Date.now();
    this.#watch(SILENCE_TIMEOUT);
    const frame = JSON.parse(data);
    if (frame.type === Type.WELCOME && !this.#accepts(frame)) return;
    if (frame.type === Type.WELCOME) {
      this.#backoff.reset();
      this.#change("online");
    }
    if (frame.type === Type.REPLY) this.#resolveReply(frame);
    this.dispatchEvent(new CustomEvent("frame:received", { detail: { frame } }));
  }

  #resolveReply(frame) {
    const id = frame.id ?? this.#onlyRequest;
    const waiting = this.#replies.get(id);
    if (!waiting) return;
    this.#replies.delete(id);
    clearTimeout(waiting.timer);
    waiting.resolve(frame);
  }

  /** The id of the only pending request, to which a refusal without an id belongs. */
  get #onlyRequest() {
    return this.#replies.size === 1 ? this.#replies.keys().next().value : undefined;
  }

  #closed(code, reason) {
    this.#drop();
    if (code === CloseCode.SESSION_INVALID) this.#change("ended", { code });
    else if (code === CloseCode.ACCOUNT_CLOSED || code === CloseCode.ABUSE) {
      this.#change("ended", { code, reason });
    } else this.#openLater({ code, reason });
  }

  #openLater(detail = {}) {
    this.#change("waiting", detail);
    this.#retry = setTimeout(() => this.#open(), this.#backoff.next());
  }

  #becameVisible() {
    if (document.visibilityState !== "visible") return;
    if (this.state === "online" && Date.now() - this.#lastFrameAt > SILENCE_TIMEOUT) this.reconnect();
    this.retryNow();
  }

  #watch(wait) {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.reconnect(), wait);
  }

  /** Close the socket without waiting for the closing handshake, which never finishes on a dead connection. */
  #drop() {
    clearTimeout(this.#watchdog);
    clearTimeout(this.#retry);
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onmessage = null;
      socket.onclose = null;
      socket.close();
    }
    for (const id of [...this.#replies.keys()]) this.#rejectReply(id, new NoReply("connection lost"));
  }

  #rejectReply(id, error) {
    const waiting = this.#replies.get(id);
    if (!waiting) return;
    this.#replies.delete(id);
    clearTimeout(waiting.timer);
    waiting.reject(error);
  }

  #change(state, detail = {}) {
    this.state = state;
    this.#isLoginRequired = detail.code !== CloseCode.ABUSE;
    this.dispatchEvent(new CustomEvent("connection:changed", { detail: { state, ...detail } }));
  }
}
