/** Facts that the server wrote into the page: addresses, who is reading, which language. */

const meta = (name) => document.querySelector(`meta[name="chat-${name}"]`)?.content ?? "";

export const urls = Object.freeze({
  home: meta("home"),
  index: meta("index"),
  login: meta("login"),
  logout: meta("logout"),
  ws: meta("ws"),
  me: meta("me"),
  users: meta("users"),
  rooms: meta("rooms"),
  invites: meta("invites"),
  search: meta("search"),
  password: meta("password"),
  sessions: meta("sessions"),
  catalogue: meta("catalogue"),
});

export const me = Object.freeze({ name: meta("user"), display: meta("display"), role: meta("role") });
/** The page's language as the reader's browser knows it: en-GB writes times otherwise than en. */
export const lang = (() => {
  const wanted = document.documentElement.lang || "en";
  const [language] = wanted.split("-");
  return navigator.languages?.find((known) => known.split("-")[0] === language) ?? wanted;
})();

/** The same host may serve several chats under different paths: what is kept here is kept apart. */
export const scope = new URL(urls.home || "/", location.href).pathname;

/** ws: for http:, wss: for https:. */
export function socketUrl() {
  const url = new URL(urls.ws, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  return url.href;
}

let leaving = false;
let meant = false;
addEventListener("pageshow", () => (leaving = false)); // also when one comes back to this very page

/** Before the reader's own wish ends the session: the login page needs no words about it then. */
export function meanToLeave() {
  meant = true;
}

/** Once, though the socket, its frame and an answer may all say that the session is over. */
export function goToLogin() {
  if (leaving) return;
  leaving = true;
  location.assign(meant ? urls.login : `${urls.login}?over`);
}

/** A copy of the content of <template id=…>, its elements alive. */
export function clone(id) {
  return document.importNode(document.getElementById(id).content.firstElementChild, true);
}
