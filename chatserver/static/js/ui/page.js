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
  session: meta("session"),
  sessions: meta("sessions"),
  catalogue: meta("catalogue"),
});

export const me = Object.freeze({ name: meta("user"), display: meta("display"), role: meta("role") });
/** The version of this page's files; a welcome names that of the server. */
export const version = meta("page");

/** The page's language as the reader's browser knows it: en-GB writes times otherwise than en. */
export const lang = (() => {
  const wanted = document.documentElement.lang || "en";
  const [language] = wanted.split("-");
  return navigator.languages?.find((known) => known.split("-")[0] === language) ?? wanted;
})();

/** The same host may serve several chats under different paths: what is kept here is kept apart. */
export const scope = new URL(urls.home || "/", location.href).pathname;

/** ws: for http:, wss: for https:. Names the user that this page acts for, and the language of refusals. */
export function socketUrl() {
  const url = new URL(urls.ws, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.searchParams.set("user", me.name);
  url.searchParams.set("lang", meta("locale"));
  return url.href;
}

/** A copy of the content of <template id=…>, its elements alive. */
export function clone(id) {
  return document.importNode(document.getElementById(id).content.firstElementChild, true);
}
