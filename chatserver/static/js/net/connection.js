/**
 * The socket, and that there always is one. Owns: the WebSocket, the back-off, the watchdog, requests
 * that wait for their reply. Knows nothing of rooms.
 *
 * Events: `connection:changed` {state, code?, reason?}, `frame:received` {frame}.
 * States: "connecting", "online" (welcomed), "waiting" (for the next attempt), "ended" (for good).
 */

import { Backoff } from "../lib/backoff.js";
import { newId } from "../lib/ids.js";
import { encoded } from "../lib/text.js";
import { CloseCode, Type } from "./protocol.js";

const SILENCE = 45_000; // milliseconds without any frame until the line counts as dead
const OPENING = 15_000; // from the first byte out to the welcome
const ANSWER = 20_000; // until a request counts as lost

/** No reply came: whether the request was carried out is unknown. `silent`: although the line stood; `unsent`: it was not sent. */
export class Lost extends Error {
  constructor(message, { silent = false, unsent = false } = {}) {
    super(message);
    this.silent = silent;
    this.unsent = unsent;
  }
}

export class Connection extends EventTarget {
  state = "waiting";

  #url;
  #admits;
  #backoff = new Backoff();
  #socket = null;
  #watchdog = 0;
  #retry = 0;
  #heard = 0;
  #isOver = false; // the session is: only a login helps
  #replies = new Map(); // id → {resolve, reject, timer}

  /** `admits(welcome)`: whether a line that begins so is one for this page; without it the line ends. */
  constructor(url, { admits }) {
    super();
    this.#url = url;
    this.#admits = admits;
  }

  /** "online", "waiting" for a connection, or for a "login". */
  get line() {
    if (this.state === "online") return "online";
    return this.state === "ended" && this.#isOver ? "login" : "waiting";
  }

  start() {
    addEventListener("online", () => this.hurry());
    // The browser sees a lost network at once, a socket only when it is silent for long.
    addEventListener("offline", () => this.state === "online" && this.reconnect());
    document.addEventListener("visibilitychange", () => this.#wake());
    addEventListener("pageshow", () => this.#wake());
    this.#open();
  }

  /** Try at once instead of waiting for the back-off. */
  hurry() {
    if (this.state !== "waiting") return;
    clearTimeout(this.#retry);
    this.#open();
  }

  /**
   * Sends `frame` with an id and promises its reply, refusals too. Rejects with Lost when none comes, with
   * another error when the frame cannot be sent at all.
   */
  request(frame, { timeout = ANSWER } = {}) {
    const id = frame.id ?? newId();
    // A closing socket takes words and loses them; its close event can be seconds away.
    if (this.state === "online" && this.#socket.readyState !== WebSocket.OPEN) this.reconnect();
    if (this.state !== "online") return Promise.reject(new Lost("offline", { unsent: true }));
    return new Promise((resolve, reject) => {
      this.#socket.send(encoded({ ...frame, id }));
      const timer = setTimeout(() => this.#lose(id, new Lost("no reply", { silent: true })), timeout);
      this.#replies.set(id, { resolve, reject, timer });
    });
  }

  /** Sends `frame`, which nobody answers. False while there is no line. */
  tell(frame) {
    const open = this.state === "online" && this.#socket.readyState === WebSocket.OPEN;
    if (open) this.#socket.send(encoded(frame));
    return open;
  }

  /** Until `resume`: the session ends here, is over (`code`), or is another user's. */
  end(code) {
    this.#drop();
    this.#change("ended", { code });
  }

  /** The session did not end after all. */
  resume() {
    if (this.state === "ended") this.#open();
  }

  /** Give this line up and take a new one. */
  reconnect() {
    if (this.state === "ended") return;
    this.#drop();
    this.#later();
  }

  #open() {
    this.#change("connecting");
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#read(data);
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
    this.#heard = Date.now();
    this.#watch(OPENING);
  }

  #read(data) {
    this.#heard = Date.now();
    this.#watch(SILENCE);
    const frame = JSON.parse(data);
    if (frame.type === Type.WELCOME && !this.#admits(frame)) return;
    if (frame.type === Type.WELCOME) {
      this.#backoff.reset();
      this.#change("online");
    }
    if (frame.type === Type.REPLY) this.#answer(frame);
    this.dispatchEvent(new CustomEvent("frame:received", { detail: { frame } }));
  }

  #answer(frame) {
    const id = frame.id ?? this.#only;
    const waiting = this.#replies.get(id);
    if (!waiting) return;
    this.#replies.delete(id);
    clearTimeout(waiting.timer);
    waiting.resolve(frame);
  }

  /** The request that a refusal without an id is for, where there is no doubt. */
  get #only() {
    return this.#replies.size === 1 ? this.#replies.keys().next().value : undefined;
  }

  #closed(code, reason) {
    this.#drop();
    if (code === CloseCode.SESSION_INVALID) this.#change("ended", { code });
    else if (code === CloseCode.REMOVED || code === CloseCode.ABUSE) {
      this.#change("ended", { code, reason });
    } else this.#later({ code, reason });
  }

  #later(detail = {}) {
    this.#change("waiting", detail);
    this.#retry = setTimeout(() => this.#open(), this.#backoff.next());
  }

  #wake() {
    if (document.visibilityState !== "visible") return;
    if (this.state === "online" && Date.now() - this.#heard > SILENCE) this.reconnect();
    this.hurry();
  }

  #watch(wait) {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.reconnect(), wait);
  }

  /** Without waiting for the closing handshake, which a dead line never finishes. */
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
    for (const id of [...this.#replies.keys()]) this.#lose(id, new Lost("the line was lost"));
  }

  #lose(id, error) {
    const waiting = this.#replies.get(id);
    if (!waiting) return;
    this.#replies.delete(id);
    clearTimeout(waiting.timer);
    waiting.reject(error);
  }

  #change(state, detail = {}) {
    this.state = state;
    this.#isOver = detail.code !== CloseCode.ABUSE;
    this.dispatchEvent(new CustomEvent("connection:changed", { detail: { state, ...detail } }));
  }
}
