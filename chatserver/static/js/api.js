/** Requests to the server's HTTP side: JSON both ways, and a refusal is an exception with its sentence. */

import { _ } from "./lib/i18n.js";
import { goToLogin } from "./page.js";

export class Refused extends Error {
  constructor({ code = "internal", data = "", status = 0, retry_after: retryAfter = 0 }) {
    super(data || _("Something went wrong. Try again."));
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** The answer's fields. Raises Refused, also when the server cannot be reached. */
export async function request(method, url, body) {
  let response;
  try {
    response = await fetch(url, { method, credentials: "same-origin", ...content(body) });
  } catch {
    throw new Refused({ code: "unreachable", data: _("The server cannot be reached.") });
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok && answer.ok !== 0) return answer;
  throw new Refused({ ...answer, status: response.status });
}

/** As `request`, for pages that need a session: without one, to the login page. */
export async function ask(method, url, body) {
  try {
    return await request(method, url, body);
  } catch (error) {
    if (error.status === 401) goToLogin();
    throw error;
  }
}

function content(body) {
  const headers = { Accept: "application/json" };
  if (body === undefined) return { headers };
  return {
    headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
}

/** Does it, and says in `place` why not; whether it was done. */
export async function attempt(place, work) {
  place.hidden = true;
  try {
    await work();
    return true;
  } catch (error) {
    place.textContent = error.message;
    place.hidden = false;
    return false;
  }
}
