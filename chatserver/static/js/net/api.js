/** Requests to the server's HTTP side: JSON both ways, and a refusal is an exception with its sentence. */

import { _ } from "../lib/i18n.js";
import { encoded } from "../lib/text.js";
import { me } from "../ui/page.js";
import { hideProblem, showProblem } from "../ui/form-problem.js";
import { session, sessionEnded, sessionReplaced } from "./session.js";

const OTHER_USER = "other_user"; // the browser's session belongs to another user than this page

export class RequestError extends Error {
  constructor({ code = "internal", data = "", status = 0, retry_after: retryAfter = 0 }) {
    super(data || _("Something went wrong. Try again."));
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/**
 * The answer's fields. Raises RequestError, also when the server cannot be reached. Names the user of this page
 * in each request; after one was refused because the session is another user's, nothing is sent.
 */
export async function request(method, url, body) {
  if (session.replaced) throw new RequestError({ code: OTHER_USER });
  let response;
  try {
    response = await fetch(url, { method, credentials: "same-origin", ...content(body) });
  } catch {
    throw new RequestError({ code: "unreachable", data: _("The server cannot be reached.") });
  }
  const answer = await response.json().catch(() => ({}));
  if (answer.code === OTHER_USER) sessionReplaced();
  if (response.ok && answer.ok !== 0) return answer;
  throw new RequestError({ ...answer, status: response.status });
}

/** As `request`, for pages that need a session: without one, to the login page. */
export async function sessionRequest(method, url, body) {
  try {
    return await request(method, url, body);
  } catch (error) {
    if (error.status === 401) sessionEnded();
    throw error;
  }
}

function content(body) {
  const user = me.name && { "Chat-User": encodeURIComponent(me.name) };
  const headers = { Accept: "application/json", "Accept-Language": document.documentElement.lang, ...user };
  if (body === undefined) return { headers };
  return {
    headers: { ...headers, "Content-Type": "application/json" },
    body: encoded(body),
  };
}

const busy = new WeakSet();

/** As `attempt`, for what must not be done twice: does nothing while an earlier call for `place` runs. */
export async function attemptOnce(place, work) {
  if (busy.has(place)) return false;
  busy.add(place);
  try {
    return await attempt(place, work);
  } finally {
    busy.delete(place);
  }
}

/** Does it, and says in `place` why not; whether it was done. */
export async function attempt(place, work) {
  hideProblem(place);
  try {
    await work();
    return true;
  } catch (error) {
    showProblem(place, error);
    return false;
  }
}
