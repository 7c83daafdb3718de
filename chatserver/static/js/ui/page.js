/** Values that the server has put into the page: URLs, user, language. */

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
  upload: meta("upload"),
  notifications: meta("notifications"),
  push: meta("push"),
  pushTest: meta("push-test"),
  worker: meta("worker"),
  share: meta("share"),
  icon: meta("icon"),
  uploads: meta("uploads"),
  files: `${meta("home").replace(/\/$/, "")}/files`,
  pictures: `${meta("home").replace(/\/$/, "")}/pictures`,
  logo: `${meta("home").replace(/\/$/, "")}/logo`,
});

export const me = Object.freeze({ name: meta("user"), display: meta("display"), role: meta("role") });
/** The name of the server, which may change: see server-profile.js. */
export const serverName = () => meta("server");

/** The version of this page; a welcome has that of the server. */
export const version = meta("page");

/** The page's language with the region of the browser's setting, as in en-GB, for formatting times. */
export const lang = (() => {
  const wanted = document.documentElement.lang || "en";
  const [language] = wanted.split("-");
  return navigator.languages?.find((known) => known.split("-")[0] === language) ?? wanted;
})();

/** Separates stored data of several chats on one host. */
export const scope = new URL(urls.home || "/", location.href).pathname;

/** The URL of the WebSocket, with the user of this page and the language of error texts. */
export function socketUrl() {
  const url = new URL(urls.ws, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.searchParams.set("user", me.name);
  url.searchParams.set("lang", meta("locale"));
  return url.href;
}

/** A copy of the content of <template id=…>, with upgraded elements. */
export function clone(id) {
  return document.importNode(document.getElementById(id).content.firstElementChild, true);
}
