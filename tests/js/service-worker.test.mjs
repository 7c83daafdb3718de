import "./setup.mjs";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { runInNewContext } from "node:vm";

const SOURCE = readFileSync(new URL("../../chatserver/static/js/service-worker.js", import.meta.url), "utf8");
const SERVER = {
  version: "2", files: ["/chat/static/2/css/main.css"], home: "/chat/", index: "/chat/index", offline: "/chat/offline",
  share: "/chat/share", push: "/chat/api/push", rooms: "/chat/api/rooms", icon: "/icon.png", badge: "/badge.png",
};

/** A worker with fakes of what it uses. `answers`: path → response of the server, or nothing without a connection. */
function worker({ answers = {}, windows = [] } = {}) {
  const listeners = {};
  const log = { requests: [], opened: [], posted: [], badge: [] };
  const shown = [];
  const stored = new Map();
  const path = (request) => new URL(request.url ?? request, "https://chat.test").pathname;
  const match = async (request) => stored.get(path(request));
  const cache = { match, put: async (name, value) => stored.set(path(name), value), addAll: async (all) => all.forEach((one) => stored.set(path(one), `stored ${path(one)}`)) };
  const context = {
    SERVER, URL, Response: class extends Response { static redirect = (url, status) => ({ url, status }); }, Set, Promise, JSON, crypto: { randomUUID: () => "id" },
    Request: class { constructor(url) { this.url = url; } },
    addEventListener: (name, action) => (listeners[name] = action),
    location: { origin: "https://chat.test" },
    navigator: { setAppBadge: async (count) => log.badge.push(count) },
    skipWaiting: () => {},
    caches: { open: async () => cache, match, keys: async () => ["files /chat/ 1", "files /chat/ 2", "files / 1", "shared /chat/"], delete: async (name) => log.requests.push(`deleted ${name}`) },
    clients: {
      claim: () => {}, matchAll: async () => windows.map((url) => ({ url, focus: async () => {}, postMessage: (data) => log.posted.push(data) })),
      openWindow: async (url) => log.opened.push(url),
    },
    registration: {
      pushManager: { subscribe: async () => ({ toJSON: () => ({ endpoint: "https://push/new", keys: {} }) }) },
      getNotifications: async ({ tag } = {}) => shown.filter((one) => one.open && (tag === undefined || one.tag === tag)),
      showNotification: async (title, options) => {
        for (const one of shown) if (one.tag === options.tag) one.open = false;
        shown.push({ title, open: true, close() { this.open = false; }, ...options });
      },
    },
    fetch: async (request, options = {}) => {
      log.requests.push([options.method ?? "GET", path(request), options.body, options.headers?.["Chat-User"]]);
      if (!(path(request) in answers)) throw new TypeError("no connection");
      return answers[path(request)];
    },
  };
  runInNewContext(SOURCE, context);
  const dispatch = async (name, event = {}) => {
    let result;
    await listeners[name]({ waitUntil: (promise) => (result = promise), respondWith: (promise) => (result = promise), ...event });
    return result && (await result);
  };
  const push = (notification) => dispatch("push", { data: { json: () => ({ notification }) } });
  return { dispatch, push, shown, stored, log };
}

const open = (shown) => shown.filter((one) => one.open).map(({ title, body }) => `${title}: ${body}`);
const message = (facts, read = {}) => ({ title: "Bo", body: "hi", tag: "room-9", navigate: "https://chat.test/chat/index#/room/9/5", data: { room: 9, seq: 5, user: "ann", read }, ...facts });

test("the worker stores files of the page and the page without a connection, and nothing else", async () => {
  const { dispatch, stored, log } = worker();
  await dispatch("install");
  assert.deepEqual([...stored.keys()], ["/chat/static/2/css/main.css", "/chat/offline"]);
  await dispatch("activate");
  assert.deepEqual(log.requests, ["deleted files /chat/ 1"]);
  const get = (path, mode = "cors") => dispatch("fetch", { request: { method: "GET", mode, url: `https://chat.test${path}` } });
  assert.equal(await get("/chat/static/2/css/main.css"), "stored /chat/static/2/css/main.css");
  assert.equal(await get("/chat/index", "navigate"), "stored /chat/offline");
  assert.equal(await get("/chat/api/rooms"), undefined);
  assert.equal(await get("/chat/files/a/b.png"), undefined);
});

test("a page that the server answers is not replaced", async () => {
  const { dispatch } = worker({ answers: { "/chat/index": "the page" } });
  await dispatch("install");
  const request = { method: "GET", mode: "navigate", url: "https://chat.test/chat/index" };
  assert.equal(await dispatch("fetch", { request }), "the page");
  assert.equal(await dispatch("fetch", { request, preloadResponse: Promise.resolve("preloaded") }), "preloaded");
});

test("a push is shown with a badge, and again without a sound if it is no newer", async () => {
  const { push, shown, log } = worker();
  await push(message({ app_badge: "3" }));
  await push(message({ title: "Bo again" }));
  await push(message({ body: "new", data: { room: 9, seq: 6 } }));
  assert.deepEqual(shown.map(({ silent }) => silent), [false, true, false]);
  assert.deepEqual(open(shown), ["Bo: new"]);
  assert.deepEqual(log.badge, [3]);
});

test("a push closes notifications of messages that were read elsewhere", async () => {
  const { push, shown } = worker();
  await push(message({}));
  await push(message({ tag: "room-8", title: "Cy", data: { room: 8, seq: 2 } }));
  await push(message({ tag: "room-7", title: "Dee", data: { room: 7, seq: 1, read: { 9: 5, 8: 1 } } }));
  assert.deepEqual(open(shown), ["Cy: hi", "Dee: hi"]);
});

test("a click opens the message in a window of the chat, or in a new one", async () => {
  const notification = { close() {}, data: { navigate: "https://chat.test/chat/index#/room/9/5" } };
  const other = worker({ windows: ["https://chat.test/chat/login"] });
  await other.dispatch("notificationclick", { notification, action: "" });
  assert.deepEqual([other.log.opened, other.log.posted], [["https://chat.test/chat/index#/room/9/5"], []]);
  const chat = worker({ windows: ["https://chat.test/chat/index?x#/room/1"] });
  await chat.dispatch("notificationclick", { notification, action: "" });
  assert.deepEqual([chat.log.opened, chat.log.posted.map(({ open: url }) => url)], [[], ["https://chat.test/chat/index#/room/9/5"]]);
});

test("a reply is sent as the user of the notification, or the message is opened", async () => {
  const notification = { close() {}, data: { room: 9, user: "安", navigate: "https://chat.test/chat/index#/room/9/5" } };
  const online = worker({ answers: { "/chat/api/rooms/9/messages": { ok: true } } });
  await online.dispatch("notificationclick", { notification, action: "reply", reply: "on my way" });
  assert.deepEqual(online.log.requests, [["POST", "/chat/api/rooms/9/messages", '{"data":"on my way","id":"id"}', "%E5%AE%89"]]);
  assert.deepEqual(online.log.opened, []);
  const offline = worker();
  await offline.dispatch("notificationclick", { notification, action: "reply", reply: "on my way" });
  assert.equal(offline.log.opened.length, 1);
  const button = worker();
  await button.dispatch("notificationclick", { notification, action: "reply" });
  assert.deepEqual([button.log.requests, button.log.opened.length], [[], 1]);
});

test("what another app shares waits for the page", async () => {
  const { dispatch, stored } = worker();
  const fields = { title: "A page", text: " https://a.example ", url: "https://a.example" };
  const form = { get: (name) => fields[name], getAll: () => [{ name: "a.png", size: 3 }, { name: "empty", size: 0 }] };
  const request = { method: "POST", mode: "navigate", url: "https://chat.test/chat/share", formData: async () => form };
  assert.deepEqual({ ...(await dispatch("fetch", { request })) }, { url: "/chat/index?shared", status: 303 });
  assert.deepEqual([...stored.keys()], ["/chat/share/0", "/chat/share"]);
  assert.deepEqual(await stored.get("/chat/share").json(), { text: "A page\nhttps://a.example", names: ["a.png"] });
});

test("a replaced subscription is sent to the server with the same choices", async () => {
  const json = async () => ({ key: "k", target: { level: "all", content: "sender" } });
  const { dispatch, log } = worker({ answers: { "/chat/api/push": { json } } });
  await dispatch("pushsubscriptionchange");
  assert.equal(log.requests[1][2], '{"endpoint":"https://push/new","keys":{},"level":"all","content":"sender"}');
});
