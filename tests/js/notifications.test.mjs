import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";

const made = [];
let focused = false;
let throws = false;
const channels = [];

/** Delivers synchronously; only the tab that did not ask has the focus. */
class FakeChannel {
  constructor() {
    channels.push(this);
  }
  postMessage(data) {
    const before = focused;
    focused = "asked" in data;
    for (const other of channels) if (other !== this) other.onmessage({ data });
    focused = before;
  }
}
const stored = new Map();

class FakeNotification {
  static permission = "granted";
  constructor(title, { body = "", silent = false } = {}) {
    if (throws) throw new TypeError("Illegal constructor");
    Object.assign(this, { title, body, silent, open: true });
    made.push(this);
  }
  close() {
    this.open = false;
  }
}

Object.assign(globalThis, {
  BroadcastChannel: FakeChannel,
  addEventListener: () => {},
  Notification: FakeNotification,
  isSecureContext: true,
  localStorage: {
    getItem: (name) => stored.get(name) ?? null,
    setItem: (name, value) => stored.set(name, value),
    removeItem: (name) => stored.delete(name),
  },
  location: { href: "http://chat.test/", hash: "" },
  document: { querySelector: () => ({ content: "ann" }), documentElement: { lang: "en" }, hasFocus: () => focused },
});
globalThis.navigator ??= {};
const { choices, Notifications, obstacle } = await import("../../chatserver/static/js/ui/notifications.js");
const { notificationRules } = await import("../../chatserver/static/js/state/notification-rules.js");
const setLevel = (level) => notificationRules.set({ ...notificationRules.current, level });
choices.isOn = true;
setLevel("all");

const conversation = () => ({ key: "#9", room: 9, read: 0, isDirect: false, members: 3, notify: "default" });
const known = new Set();
const message = (facts) => ({ type: 2, room: 9, seq: 5, user: "bo", data: "first", ...facts });

function page({ key = "#9" } = {}) {
  const one = conversation();
  const conversations = { all: [one], of: (room) => (room === 9 ? one : undefined) };
  const users = { display: (name) => name, isUser: (name) => known.has(name) };
  made.length = 0;
  const notifications = new Notifications({ conversations, users, nameOf: () => "Den", current: () => ({ key }) });
  return { notifications, one };
}

test.beforeEach(() => (channels.length = 0));

const open = () => made.filter((one) => one.open).map(({ body }) => body);

test("a notification is closed when its message is deleted, and updated when it is edited", ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { notifications } = page();
  notifications.messageReceived(message());
  notifications.messageChanged({ type: 10, room: 9, target: 5, data: "secret" }); // before it is shown
  mock.timers.tick(1_000);
  assert.deepEqual(open(), ["secret"]);
  notifications.messageChanged({ type: 10, room: 9, target: 5, data: "harmless" });
  assert.deepEqual([open(), made.at(-1).silent], [["harmless"], true]);
  notifications.messageChanged({ type: 11, room: 9, target: 4 });
  assert.deepEqual(open(), ["harmless"]);
  notifications.messageChanged({ type: 11, room: 9, target: 5 });
  assert.deepEqual(open(), []);
  notifications.messageReceived(message({ seq: 6 }));
  notifications.messageChanged({ type: 11, room: 9, target: 6 });
  mock.timers.tick(1_000);
  assert.deepEqual(open(), []);
});

test("edits and deletions that were missed while offline are applied from the welcome", ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { notifications } = page();
  notifications.messageReceived(message({ data: "long text" }));
  mock.timers.tick(1_000);
  notifications.welcomed({ rooms: [{ room: 9, last: { seq: 5, data: "long" } }, { room: 8 }] });
  assert.deepEqual(open(), ["long text"]);
  notifications.welcomed({ rooms: [{ room: 9, last: { seq: 5, data: "other" } }] });
  assert.deepEqual(open(), ["other"]);
  notifications.welcomed({ rooms: [{ room: 9, last: { seq: 5, data: "", deleted_at: 1 } }] });
  assert.deepEqual(open(), []);
});

test("a browser whose Notification constructor throws counts as unsupported", ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  throws = true;
  FakeNotification.permission = "default";
  assert.equal(obstacle(), "unsupported");
  FakeNotification.permission = "granted";
  assert.equal(obstacle(), "");
  const { notifications } = page();
  notifications.messageReceived(message());
  mock.timers.tick(1_000);
  assert.equal(obstacle(), "unsupported");
  throws = false;
  stored.clear();
  choices.isOn = true;
});

test("a background tab does not notify about a conversation that another tab shows", ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  for (const [key, shown] of [["#9", []], ["#1", ["first"]]]) {
    channels.length = 0;
    const background = page().notifications;
    page({ key });
    background.messageReceived(message());
    mock.timers.tick(1_000);
    assert.deepEqual(open(), shown);
  }
});

test("a mention of a longer name does not notify, and is closed when that user becomes known", ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  setLevel("mentions");
  const { notifications } = page();
  notifications.messageReceived(message({ data: "@ann好" }));
  mock.timers.tick(1_000);
  assert.deepEqual(open(), ["@ann好"]);
  known.add("ann好");
  notifications.closeOutdated();
  assert.deepEqual(open(), []);
  notifications.messageReceived(message({ data: "@ann好", seq: 6 }));
  mock.timers.tick(1_000);
  assert.deepEqual(open(), []);
  known.clear();
  setLevel("all");
});

test("notifications follow the rules of the account, and none is shown on a device that is off", ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { notifications } = page();
  const shown = (seq) => {
    notifications.messageReceived(message({ seq }));
    mock.timers.tick(1_000);
    return made.filter((one) => one.open).length;
  };
  choices.isOn = false;
  assert.equal(shown(5), 0);
  choices.isOn = true;
  notificationRules.set({ ...notificationRules.current, paused_until: Date.now() + 60_000 });
  assert.equal(shown(6), 0);
  notificationRules.set({ ...notificationRules.current, paused_until: 0, sound: false });
  assert.equal(shown(7), 1);
  assert.equal(made.at(-1).silent, true);
});
