/**
 * Renews the session while the page is open: the WebSocket of this page, and the cookie of the browser in one of its
 * tabs. Owns the expiry times of both.
 */

import { request } from "./api.js";
import { local } from "../state/local-storage.js";
import { me, urls } from "../ui/page.js";
import { Type } from "./protocol.js";

const STORAGE_NAME = `cookie:${me.name}`;
const RENEW_AT = 0.2; // fraction of the lifetime that is left when a session is renewed
const CHECK_INTERVAL = 60_000; // milliseconds; a long timer would be late after sleep
const CLAIM_DURATION = 30_000; // milliseconds for which other tabs do not try to renew the cookie

export class Renewal {
  #connection;
  #renewCookie;
  #clock;
  #session = null; // {id, expires_at, lifetime} of the socket
  #cookieExpiry = 0; // of the cookie with which the socket was opened

  /** `renewCookie()` returns a promise of {expires_at}; `clock()` is in milliseconds UTC. */
  constructor(connection, { renewCookie = () => request("PUT", urls.session, {}), clock = Date.now } = {}) {
    this.#connection = connection;
    this.#renewCookie = renewCookie;
    this.#clock = clock;
  }

  start() {
    setInterval(() => this.check(), CHECK_INTERVAL);
    for (const name of ["visibilitychange", "pageshow", "online"]) addEventListener(name, () => this.check(), true);
  }

  /** Set the session of a new socket, from its welcome. */
  welcome(session) {
    this.#session = { ...session };
    this.#cookieExpiry = session.expires_at;
    return this.check();
  }

  /** Renew what expires soon. Settles after both attempts. */
  async check() {
    if (this.#session !== null) await Promise.allSettled([this.#checkSocket(), this.#checkCookie()]);
  }

  /** A failed attempt is repeated at the next check, until the session ends. */
  async #checkSocket() {
    const session = this.#session;
    if (!this.#isDue(session.expires_at)) return;
    const reply = await this.#connection.request({ type: Type.RENEW });
    if (reply.ok) session.expires_at = reply.expires_at;
  }

  /** The cookie expires with the socket that was opened with it, or later if another tab has renewed it. */
  async #checkCookie() {
    const { end, claimed } = this.#shared;
    const now = this.#clock();
    if (!this.#isDue(Math.max(end, this.#cookieExpiry)) || now - claimed < CLAIM_DURATION) return;
    this.#share({ claimed: now, end });
    const { expires_at: renewed } = await this.#renewCookie();
    this.#share({ claimed: now, end: renewed });
  }

  /** The state of the cookie that tabs share: {end, claimed}. */
  get #shared() {
    const { id, ...state } = JSON.parse(local.get(STORAGE_NAME) ?? "{}");
    return id === this.#session.id ? state : { end: 0, claimed: 0 };
  }

  #share(state) {
    local.set(STORAGE_NAME, JSON.stringify({ id: this.#session.id, ...state }));
  }

  #isDue(end) {
    return end - this.#clock() < this.#session.lifetime * 1000 * RENEW_AT;
  }
}
