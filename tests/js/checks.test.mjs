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

/** The verdicts that are not good, by title. */
function complaints({ server = {}, page = {}, socket = 12, clock = 0 }) {
  const found = checks({ server: { ...SERVER, ...server }, page: { ...PAGE, ...page }, socket, clock });
  assert.ok(found.every(({ title, text }) => title && text && !/undefined|NaN|%\(/.test(text)));
  return found.filter(({ verdict }) => verdict !== "good").map(({ title, verdict }) => `${title}: ${verdict}`);
}

test("a server that is well has noissue found", () => {
  assert.deepEqual(complaints({}), []);
  assert.deepEqual(complaints({ server: { public_url: "https://chat.example" } }), []);
});

test("a socket that is slow or does not come through", () => {
  assert.deepEqual(complaints({ socket: 900 }), ["Live connection: fair"]);
  assert.deepEqual(complaints({ socket: null }), ["Live connection: bad"]);
});

test("plain http is fine on the server itself, doubtful at home and bad elsewhere", () => {
  const plain = (origin) => complaints({ server: { origin }, page: { origin } });
  assert.deepEqual(plain("http://127.0.0.1:3000"), ["Address: fair"]);
  assert.deepEqual(plain("http://192.168.1.7:3000"), ["Encryption: fair"]);
  assert.deepEqual(plain("http://chat.example"), ["Encryption: bad"]);
});

test("an address that only this computer reaches is fine where invitations name another one", () => {
  for (const origin of ["http://127.0.0.1:3000", "http://localhost:3000", "http://[::1]:3000"]) {
    const found = (server) => complaints({ server: { origin, ...server }, page: { origin } });
    assert.deepEqual(found({ addresses: [] }), ["Address: fair"]);
    assert.deepEqual(found({ public_url: origin, addresses: [] }), ["Address: fair"]);
    assert.deepEqual(found({ addresses: ["http://192.168.1.7:3000"] }), []);
  }
});

test("an address that is not the one of public_url, or not the one that the server sees", () => {
  assert.deepEqual(complaints({ server: { public_url: "https://other.example" } }), ["Address: bad"]);
  assert.deepEqual(complaints({ server: { origin: "https://inner:3000" } }), ["Address: bad"]);
});

test("a proxy that is not believed, or does not tell of https", () => {
  assert.deepEqual(complaints({ server: { trusted: false } }), ["Proxy: bad"]);
  assert.deepEqual(complaints({ server: { trusted: false, forwarded: false, secure: false } }), ["Proxy: bad"]);
});

test("notifications need https and a reader who allows them", () => {
  assert.deepEqual(complaints({ page: { secure: false } }), ["Notifications: fair"]);
  assert.deepEqual(complaints({ page: { notifications: "denied" } }), ["Notifications: fair"]);
  assert.deepEqual(complaints({ page: { notifications: "" } }), ["Notifications: fair"]);
});

test("clocks that disagree", () => {
  assert.deepEqual(complaints({ clock: 3_000 }), []);
  assert.deepEqual(complaints({ clock: -20_000 }), ["Clock: fair"]);
  assert.deepEqual(complaints({ clock: 120_000 }), ["Clock: bad"]);
});

test("a disk that fills, a database that does not flush, tables of another version", () => {
  assert.deepEqual(complaints({ server: { disk_free: 1_000_000_000 } }), ["Disk: fair"]);
  assert.deepEqual(complaints({ server: { disk_free: 1_000 } }), ["Disk: bad"]);
  assert.deepEqual(complaints({ server: { durability: "weakened" } }), ["Database: bad"]);
  assert.deepEqual(complaints({ server: { durability: "unknown", revision: null } }), ["Database: bad", "Tables: bad"]);
});

test("messages that wait long, or are stored no more", () => {
  assert.deepEqual(complaints({ server: { waiting: 5_000 } }), ["Storing: fair"]);
  assert.deepEqual(complaints({ server: { storing: false } }), ["Storing: bad"]);
});
