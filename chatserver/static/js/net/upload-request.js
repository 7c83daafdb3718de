/** Requests with the content of a file, which report their progress: `fetch` cannot. */

import { RequestError, userHeaders } from "./api.js";
import { _ } from "../lib/i18n.js";
import { session, sessionEnded, sessionReplaced } from "./session.js";

const TOO_LARGE = 413;
const STALL = 30_000; // milliseconds without progress after which the connection counts as lost
const PROCESSING = 150_000; // milliseconds that the server may work on a complete file

/**
 * Send a request, and return {status, header(name), fields}. `progress(bytes)` is called while `body` is sent; `signal`
 * aborts. Throws RequestError for a refusal, with the code "unreachable" if the connection is lost.
 */
export function sendContent(method, url, { body = null, headers = {}, progress = () => {}, signal } = {}) {
  if (session.replaced) throw new RequestError({ code: "other_user" });
  const request = new XMLHttpRequest();
  request.open(method, url);
  request.responseType = "text";
  for (const [name, value] of Object.entries({ ...userHeaders(), ...headers })) request.setRequestHeader(name, value);
  return new Promise((resolve, reject) => {
    const watchdog = new Watchdog(() => request.abort());
    const end = (action) => {
      watchdog.stop();
      action();
    };
    request.upload.onprogress = ({ loaded }) => {
      watchdog.restart(STALL);
      progress(loaded);
    };
    request.upload.onload = () => watchdog.restart(PROCESSING);
    request.onload = () => end(() => finish(request, { resolve, reject }));
    request.onerror = request.onabort = () => end(() => reject(unreachable()));
    signal?.addEventListener("abort", () => request.abort());
    watchdog.restart(body ? STALL : PROCESSING); // without a body the server may complete a file
    request.send(body);
  });
}

class Watchdog {
  #timer = 0;
  #action;

  constructor(action) {
    this.#action = action;
  }

  restart(milliseconds) {
    this.stop();
    this.#timer = setTimeout(this.#action, milliseconds);
  }

  stop() {
    clearTimeout(this.#timer);
  }
}

function finish(request, { resolve, reject }) {
  const { status } = request;
  const fields = parsed(request.responseText);
  if (status === TOO_LARGE && !fields.code) Object.assign(fields, { code: "too_large", data: _("The file is too large for this server.") }); // a proxy
  if (status === 401) sessionEnded();
  if (fields.code === "other_user") sessionReplaced();
  if (status >= 200 && status < 300) resolve({ status, header: (name) => request.getResponseHeader(name), fields });
  else reject(new RequestError({ ...fields, status }));
}

function parsed(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

const unreachable = () => new RequestError({ code: "unreachable", data: _("The server cannot be reached.") });
