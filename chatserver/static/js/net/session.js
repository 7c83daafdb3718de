/**
 * The end of the session. The cookie belongs to the whole browser, the page to one user.
 *
 * Dispatches on the document: `session:ended`, whose default action is to go to the login page; the chat prevents it, so
 * that text being typed is not lost. `session:replaced` when the session belongs to another user; the page then sends
 * nothing more, <session-dialog> explains it, and <chat-app> closes its connection.
 */

import { me, urls } from "../ui/page.js";
import { CloseCode } from "./protocol.js";

const CLOSE_DELAY = 1_000; // milliseconds in which the server closes the socket of an ended session

export const session = {
  replaced: false, // by a session of another user
  isLoggingOut: false, // net/logout.js goes to the login page itself
};

let hasEnded = false;
addEventListener("pageshow", ({ persisted }) => {
  hasEnded = false;
  if (persisted && me.name) location.reload(); // restored by Back: the session may have ended or belong to another user
});

/** Report the end of the session, once: socket, frame and HTTP response may all report it. */
export function sessionEnded() {
  if (hasEnded || session.replaced || session.isLoggingOut) return;
  hasEnded = true;
  const goesToLogin = document.dispatchEvent(new CustomEvent("session:ended", { cancelable: true }));
  if (goesToLogin) location.assign(`${urls.login}?over`);
}

/**
 * End `connection` with the session. The page stays open, because the user may be typing. An HTTP request can fail before
 * the server closes the socket, whose close code distinguishes a logout from a disabled account.
 */
export function endWithSession(connection) {
  document.addEventListener("session:replaced", () => connection.end());
  document.addEventListener("session:ended", (event) => {
    event.preventDefault();
    const end = () => connection.state !== "ended" && connection.end(CloseCode.SESSION_INVALID);
    if (connection.state === "online") setTimeout(end, CLOSE_DELAY);
    else end();
  });
}

/** Report that another user has logged in with this browser. */
export function sessionReplaced() {
  if (session.replaced) return;
  session.replaced = true;
  document.dispatchEvent(new CustomEvent("session:replaced"));
}
