/** Requests to the HTTP API. A body is sent as JSON, a Blob as it is. An error response throws RequestError with the server's text. */

import { _ } from "../lib/i18n.js";
import { encoded } from "../lib/text.js";
import { me } from "../ui/page.js";
import { hideProblem, showProblem } from "../ui/form-problem.js";
import { session, sessionEnded, sessionReplaced } from "./session.js";

const OTHER_USER = "other_user"; // the session of the browser belongs to another user than this page

export class RequestError extends Error {
  constructor({ code = "internal", data = "", status = 0, retry_after: retryAfter = 0 }) {
    super(data || _("Something went wrong. Try again."));
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/**
 * Send a request and return the fields of the response. Throws RequestError, also if the server is unreachable. Each
 * request names the user of this page; after a refusal because of another user's session, nothing more is sent.
 */
export async function request(method, url, body) {
  const response = await send(url, { method, ...content(body) });
  const fields = await response.json().catch(() => ({}));
  if (fields.code === OTHER_USER) sessionReplaced();
  if (response.ok && fields.ok !== 0) return fields;
  throw new RequestError({ ...fields, status: response.status });
}

async function send(url, options) {
  if (session.replaced) throw new RequestError({ code: OTHER_USER });
  try {
    return await fetch(url, { credentials: "same-origin", ...options });
  } catch {
    throw new RequestError({ code: "unreachable", data: _("The server cannot be reached.") });
  }
}

/** The `count` bytes from `start` of a file that has `size`. */
export async function rangeRequest(url, { start, count, size }) {
  const response = await send(url, { headers: { ...userHeaders(), Range: `bytes=${start}-${start + count - 1}` } });
  if (response.status === 206 || (response.ok && count === size)) return response.arrayBuffer();
  response.body?.cancel(); // a proxy that knows no ranges would send all of it
  throw new RequestError({ data: _("The text cannot be loaded."), status: response.status });
}

/** As `request`, for pages that require a session; without one it goes to the login page. */
export async function sessionRequest(method, url, body) {
  try {
    return await request(method, url, body);
  } catch (error) {
    if (error.status === 401) sessionEnded();
    throw error;
  }
}

/** Header fields of every request: the user of this page, and the language of error texts. */
export function userHeaders() {
  const user = me.name && { "Chat-User": encodeURIComponent(me.name) };
  return { Accept: "application/json", "Accept-Language": document.documentElement.lang, ...user };
}

function content(body) {
  const headers = userHeaders();
  if (body === undefined) return { headers };
  if (body instanceof Blob) return { headers: { ...headers, "Content-Type": body.type }, body };
  return {
    headers: { ...headers, "Content-Type": "application/json" },
    body: encoded(body),
  };
}

const busy = new WeakSet();

/** As `attempt`, but does nothing while an earlier call for `problem` is running. */
export async function attemptOnce(problem, work) {
  if (busy.has(problem)) return false;
  busy.add(problem);
  try {
    return await attempt(problem, work);
  } finally {
    busy.delete(problem);
  }
}

/** Run `work` and show its error in the element `problem`. Returns whether it succeeded. */
export async function attempt(problem, work) {
  hideProblem(problem);
  try {
    await work();
    return true;
  } catch (error) {
    showProblem(problem, error);
    return false;
  }
}
