import assert from "node:assert/strict";
import { test } from "node:test";

import { checks } from "../../chatserver/static/js/lib/checks.js";

const SERVER = {
  version: "1",
  origin: "https://chat.example",
  public_url: "",
  secure: true,
  forwarded: true,
  trusted: true,
  database: "sqlite",
  revision: "0003",
  newest_revision: "0003",
  durability: "full",
  storing: true,
  waiting: 0,
  connections: 3,
  database_bytes: 1_500_000,
  disk_free: 50_000_000_000,
};
const PAGE = { origin: "https://chat.example", secure: true, notifications: "default" };

/** "title: verdict" of each check that is not good. */
function issues({ server = {}, page = {}, socket = 12, clock = 0 }) {
  const found = checks({ server: { ...SERVER, ...server }, page: { ...PAGE, ...page }, socket, clock });
  assert.ok(found.every(({ title, text }) => title && text && !/undefined|NaN|%\(/.test(text)));
  return found.filter(({ verdict }) => verdict !== "good").map(({ title, verdict }) => `${title}: ${verdict}`);
}

test("a healthy server has no issues", () => {
  assert.deepEqual(issues({}), []);
  assert.deepEqual(issues({ server: { public_url: "https://chat.example" } }), []);
});

test("a slow WebSocket is a warning and a failing one a problem", () => {
  assert.deepEqual(issues({ socket: 900 }), ["Live connection: fair"]);
  assert.deepEqual(issues({ socket: null }), ["Live connection: bad"]);
});

test("plain http is good on the server's own machine, a warning in a private network and a problem elsewhere", () => {
  const plain = (origin) => issues({ server: { origin }, page: { origin } });
  assert.deepEqual(plain("http://127.0.0.1:3000"), ["Address: fair"]);
  assert.deepEqual(plain("http://192.168.1.7:3000"), ["Encryption: fair"]);
  assert.deepEqual(plain("http://chat.example"), ["Encryption: bad"]);
});

test("a loopback address is good when invitation links use another address", () => {
  for (const origin of ["http://127.0.0.1:3000", "http://localhost:3000", "http://[::1]:3000"]) {
    const found = (server) => issues({ server: { origin, ...server }, page: { origin } });
    assert.deepEqual(found({ addresses: [] }), ["Address: fair"]);
    assert.deepEqual(found({ public_url: origin, addresses: [] }), ["Address: fair"]);
    assert.deepEqual(found({ addresses: ["http://192.168.1.7:3000"] }), []);
  }
});

test("an address that differs from public_url or from the one the server sees is a problem", () => {
  assert.deepEqual(issues({ server: { public_url: "https://other.example" } }), ["Address: bad"]);
  assert.deepEqual(issues({ server: { origin: "https://inner:3000" } }), ["Address: bad"]);
});

test("an untrusted proxy and one that does not report https are problems", () => {
  assert.deepEqual(issues({ server: { trusted: false } }), ["Proxy: bad"]);
  assert.deepEqual(issues({ server: { trusted: false, forwarded: false, secure: false } }), ["Proxy: bad"]);
});

test("missing https, permission or browser support is a warning for notifications", () => {
  assert.deepEqual(issues({ page: { secure: false } }), ["Notifications: fair"]);
  assert.deepEqual(issues({ page: { notifications: "denied" } }), ["Notifications: fair"]);
  assert.deepEqual(issues({ page: { notifications: "" } }), ["Notifications: fair"]);
});

test("a clock that is 20 s off is a warning and one that is 2 minutes off a problem", () => {
  assert.deepEqual(issues({ clock: 3_000 }), []);
  assert.deepEqual(issues({ clock: -20_000 }), ["Clock: fair"]);
  assert.deepEqual(issues({ clock: 120_000 }), ["Clock: bad"]);
});

test("little disk space, a database that does not flush and another schema version are reported", () => {
  assert.deepEqual(issues({ server: { disk_free: 1_000_000_000 } }), ["Disk: fair"]);
  assert.deepEqual(issues({ server: { disk_free: 1_000 } }), ["Disk: bad"]);
  assert.deepEqual(issues({ server: { durability: "weakened" } }), ["Database: bad"]);
  assert.deepEqual(issues({ server: { durability: "unknown", revision: null } }), ["Database: bad", "Database schema: bad"]);
});

test("a long queue is a warning and a stopped journal a problem", () => {
  assert.deepEqual(issues({ server: { waiting: 5_000 } }), ["Message storage: fair"]);
  assert.deepEqual(issues({ server: { storing: false } }), ["Message storage: bad"]);
});
