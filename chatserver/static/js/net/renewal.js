/**
 * Keeps the session of a page in use from ending: renews the socket of this page, and the cookie of the browser,
 * which one of its tabs does. Owns when both end.
 */

import { request } from "./api.js";
import { getItem, setItem } from "../state/local-storage.js";
import { me, urls } from "../ui/page.js";
import { Type } from "./protocol.js";

const SHARED = `cookie:${me.name}`; // name in localStorage
const LEFT = 0.2; // part of the lifetime that is left when a session is renewed
const CHECK = 60_000; // milliseconds between two looks at the time, which timers lose while a computer sleeps
const CLAIM = 30_000; // milliseconds for which one tab alone tries to renew the cookie

export class Renewal {
  #connection;
  #renewCookie;
  #clock;
  #session = null; // {id, expires_at, lifetime} of the socket
  #opened = 0; // when the cookie ended that the socket was opened with

  /** `renewCookie()` promises {expires_at}; `clock()` is in milliseconds UTC. */
  constructor(connection, { renewCookie = () => request("PUT", urls.session, {}), clock = Date.now } = {}) {
    this.#connection = connection;
    this.#renewCookie = renewCookie;
    this.#clock = clock;
  }

  start() {
    setInterval(() => this.check(), CHECK);
    for (const name of ["visibilitychange", "pageshow", "online"]) addEventListener(name, () => this.check(), true);
  }

  /** The session of a new socket, as its welcome names it. */
  welcome(session) {
    this.#session = { ...session };
    this.#opened = session.expires_at;
    return this.check();
  }

  /** Renews what ends soon. Settles when both attempts are over. */
  async check() {
    if (this.#session !== null) await Promise.allSettled([this.#checkSocket(), this.#checkCookie()]);
  }

  /** A refusal or a lost connection is followed by another attempt, or by the end of the session. */
  async #checkSocket() {
    const session = this.#session;
    if (!this.#isDue(session.expires_at)) return;
    const reply = await this.#connection.request({ type: Type.RENEW });
    if (reply.ok) session.expires_at = reply.expires_at;
  }

  /** The cookie lives as long as the socket that was opened with it, or longer when another tab has renewed it. */
  async #checkCookie() {
    const { end, claimed } = this.#shared;
    const now = this.#clock();
    if (!this.#isDue(Math.max(end, this.#opened)) || now - claimed < CLAIM) return;
    this.#share({ claimed: now, end });
    const { expires_at: renewed } = await this.#renewCookie();
    this.#share({ claimed: now, end: renewed });
  }

  /** What the tabs of this browser know of the cookie: {end, claimed}. */
  get #shared() {
    const { id, ...facts } = JSON.parse(getItem(SHARED) ?? "{}");
    return id === this.#session.id ? facts : { end: 0, claimed: 0 };
  }

  #share(facts) {
    setItem(SHARED, JSON.stringify({ id: this.#session.id, ...facts }));
  }

  #isDue(end) {
    return end - this.#clock() < this.#session.lifetime * 1000 * LEFT;
  }
}
