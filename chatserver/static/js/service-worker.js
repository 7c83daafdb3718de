/**
 * Service worker: stores the files of the page, shows pushes, and takes what other apps share. It stores no messages.
 * Before this text, the server puts `SERVER`, the URLs of web/installation.py.
 *
 * Sends the message {open: url} to a window of the chat, which shows that message.
 */

// Caches, with the path of the chat: there may be several on one host.
const ALL_FILES = `files ${SERVER.home} `; // begins the names of the caches for the files of the page
const FILES = ALL_FILES + SERVER.version;
const SHARED = `shared ${SERVER.home}`; // for what another app shares, until the page takes it: see state/shared.js
const JSON_HEADERS = { "Content-Type": "application/json" };

addEventListener("install", (event) => event.waitUntil(storeFiles().then(() => skipWaiting())));
addEventListener("activate", (event) => event.waitUntil(begin()));
addEventListener("fetch", (event) => {
  const response = responseTo(event);
  if (response) event.respondWith(response);
});
addEventListener("push", (event) => event.waitUntil(show(event.data.json().notification)));
addEventListener("notificationclick", (event) => event.waitUntil(clicked(event)));
addEventListener("pushsubscriptionchange", (event) => event.waitUntil(subscribeAgain()));

// Files ------------------------------------------------------------------------------------------

async function storeFiles() {
  const cache = await caches.open(FILES);
  await cache.addAll([...SERVER.files, new Request(SERVER.offline, { cache: "reload" })]);
}

async function begin() {
  const old = (await caches.keys()).filter((name) => name.startsWith(ALL_FILES) && name !== FILES);
  await Promise.all(old.map((name) => caches.delete(name)));
  await registration.navigationPreload?.enable();
  await clients.claim();
}

/** The response that the worker gives, or null if the browser does it alone. */
function responseTo(event) {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (origin !== location.origin) return null;
  if (method === "POST") return pathname === SERVER.share ? takeShared(event.request) : null;
  if (mode === "navigate") return page(event);
  return method === "GET" && SERVER.files.includes(pathname) ? file(event.request) : null;
}

async function page(event) {
  try {
    return (await event.preloadResponse) ?? (await fetch(event.request));
  } catch {
    return (await caches.match(SERVER.offline)) ?? Response.error();
  }
}

async function file(request) {
  return (await caches.match(request, { cacheName: FILES, ignoreSearch: true })) ?? fetch(request);
}

// Sharing ----------------------------------------------------------------------------------------

/** Keep the text and the files that another app shares, and open the page, which asks for the room. */
async function takeShared(request) {
  const form = await request.formData();
  const files = form.getAll("files").filter(({ size }) => size > 0);
  const text = ["title", "text", "url"].map((name) => form.get(name)?.trim()).filter(Boolean);
  const cache = await caches.open(SHARED);
  await Promise.all(files.map((one, number) => cache.put(`${SERVER.share}/${number}`, new Response(one))));
  const names = files.map(({ name }) => name);
  const about = { text: [...new Set(text)].join("\n"), names };
  await cache.put(SERVER.share, new Response(JSON.stringify(about)));
  return Response.redirect(`${SERVER.index}?shared`, 303);
}

// Notifications ----------------------------------------------------------------------------------

/** Show a push, and close notifications whose messages were read on another device. */
async function show({ title, body, tag, lang, dir, navigate, app_badge: count, silent = false, data = {}, actions = [] }) {
  await closeRead(data.read ?? {});
  const [earlier] = await registration.getNotifications({ tag });
  const isNew = (earlier?.data?.seq ?? 0) < (data.seq ?? 1);
  if (count !== undefined) await setBadge(Number(count));
  await registration.showNotification(title, {
    body,
    tag,
    lang,
    dir,
    icon: SERVER.icon,
    badge: SERVER.badge,
    renotify: isNew,
    silent: silent || !isNew,
    data: { ...data, navigate },
    actions: actions.map(({ action, title: label }) => ({ action, title: label, type: "text" })),
  });
}

async function closeRead(read) {
  for (const one of await registration.getNotifications()) {
    const { room, seq } = one.data ?? {};
    if (read[room] >= seq) one.close();
  }
}

async function setBadge(count) {
  await navigator.setAppBadge?.(count).catch(() => {}); // not installed
}

async function clicked({ notification, action, reply }) {
  notification.close();
  const { navigate, ...message } = notification.data ?? {};
  const isSent = action === "reply" && reply && (await answer(message, reply));
  if (!isSent && navigate) await open(navigate);
}

/** Send a text to the room of a notification. Returns false if it was not accepted. */
async function answer({ room, user }, text) {
  const headers = { ...JSON_HEADERS, "Chat-User": encodeURIComponent(user) };
  const body = JSON.stringify({ data: text, id: crypto.randomUUID() });
  try {
    return (await fetch(`${SERVER.rooms}/${room}/messages`, { method: "POST", headers, body })).ok;
  } catch {
    return false;
  }
}

/** Show a URL in a window of the chat, or in a new one. */
async function open(url) {
  const windows = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const chat = windows.find((one) => new URL(one.url).pathname === SERVER.index);
  if (!chat) return void (await clients.openWindow(url));
  chat.postMessage({ open: url });
  await chat.focus().catch(() => {}); // some browsers refuse it after a while
}

/** The browser has replaced the subscription. */
async function subscribeAgain() {
  const { key, target } = await (await fetch(SERVER.push)).json();
  if (!target) return;
  const options = { userVisibleOnly: true, applicationServerKey: key };
  const { endpoint, keys } = (await registration.pushManager.subscribe(options)).toJSON();
  const body = JSON.stringify({ endpoint, keys, level: target.level, content: target.content });
  await fetch(SERVER.push, { method: "POST", headers: JSON_HEADERS, body });
}
