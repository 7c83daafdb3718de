/**
 * The end of this page's session, which the cookie of the whole browser belongs to.
 *
 * Dispatches `session:replaced` on the document when the session is another user's: then this page sends
 * nothing more. <session-notice> says so, <chat-app> ends its connection.
 */

import { me, urls } from "./page.js";

export const session = {
  replaced: false, // by that of another user
  leaving: false, // the user is logging out, and <chat-app> goes to the login page itself
};

let gone = false;
addEventListener("pageshow", ({ persisted }) => {
  gone = false;
  if (persisted && me.name) location.reload(); // restored by Back: the session may be over or another user's
});

/** To the login page, once, though the socket, its frame and an answer may all say that the session is over. */
export function sessionOver() {
  if (gone || session.replaced || session.leaving) return;
  gone = true;
  location.assign(`${urls.login}?over${location.hash}`); // which opens the same conversation afterwards
}

/** Another user has logged in with this browser. */
export function sessionReplaced() {
  if (session.replaced || gone) return;
  session.replaced = true;
  document.dispatchEvent(new CustomEvent("session:replaced"));
}
