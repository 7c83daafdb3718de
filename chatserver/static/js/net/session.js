/**
 * The end of this page's session, which the cookie of the whole browser belongs to.
 *
 * Dispatches on the document: `session:ended` when the session has ended, which is prevented where the page stays and
 * says so, as the chat does: what is being typed must not go to the login page; `session:replaced` when the session is
 * another user's: then this page sends nothing more. <session-notice> says so, <chat-app> ends its connection.
 */

import { me, urls } from "../ui/page.js";
import { CloseCode } from "./protocol.js";

const CLOSING = 1_000; // milliseconds in which the server closes the socket of a session that is over

export const session = {
  replaced: false, // by that of another user
  isLoggingOut: false, // the user is logging out, and <chat-app> goes to the login page itself
};

let over = false;
addEventListener("pageshow", ({ persisted }) => {
  over = false;
  if (persisted && me.name) location.reload(); // restored by Back: the session may be over or another user's
});

/** Once, though the socket, its frame and an answer may all say that the session is over. */
export function sessionEnded() {
  if (over || session.replaced || session.isLoggingOut) return;
  over = true;
  const leaves = document.dispatchEvent(new CustomEvent("session:ended", { cancelable: true }));
  if (leaves) location.assign(`${urls.login}?over`);
}

/**
 * Ends `connection` with the session. The page stays: the user may be writing. A request can be refused before the
 * server closes the socket, whose code tells a log-out from a closed account.
 */
export function endWithSession(connection) {
  document.addEventListener("session:replaced", () => connection.end());
  document.addEventListener("session:ended", (event) => {
    event.preventDefault();
    const end = () => connection.state !== "ended" && connection.end(CloseCode.SESSION_INVALID);
    if (connection.state === "online") setTimeout(end, CLOSING);
    else end();
  });
}

/** Another user has logged in with this browser. */
export function sessionReplaced() {
  if (session.replaced) return;
  session.replaced = true;
  document.dispatchEvent(new CustomEvent("session:replaced"));
}
