import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";

globalThis.document ??= { querySelector: () => ({ content: "ann" }), documentElement: { lang: "en" } };
globalThis.navigator ??= {};
globalThis.addEventListener ??= () => {};
globalThis.location ??= { href: "http://chat.test/" };
const { Renewal } = await import("../../chatserver/static/js/net/renewal.js");

const DAY = 86_400_000;
const HOUR = 3_600_000;
let sessions = 0;

/** A browser with `count` tabs and a session of one day; `at(hours)` sets the clock and runs the check in every tab. */
function browser(count, { online = true } = {}) {
  const session = { id: `session ${(sessions += 1)}`, expires_at: DAY, lifetime: DAY / 1000 };
  const facts = { now: 0, sockets: 0, cookies: 0, online };
  const renew = (name) => async () => {
    if (!facts.online) throw new Error("offline");
    facts[name] += 1;
    return { ok: true, expires_at: facts.now + DAY };
  };
  const tab = () => new Renewal({ request: renew("sockets") }, { renewCookie: renew("cookies"), clock: () => facts.now });
  const tabs = Array.from({ length: count }, tab);
  for (const one of tabs) one.welcome(session);
  const at = async (hours) => {
    facts.now = hours * HOUR;
    for (const one of tabs) await one.check();
    return [facts.sockets, facts.cookies];
  };
  return { at, facts, tabs, session };
}

test("a session is renewed when a fifth of its lifetime is left, and again later", async () => {
  const { at } = browser(1);
  assert.deepEqual(await at(19), [0, 0]);
  assert.deepEqual(await at(19.5), [1, 1]);
  assert.deepEqual(await at(20), [1, 1]);
  assert.deepEqual(await at(39), [2, 2]);
});

test("each tab renews its own socket, and one tab renews the cookie", async () => {
  const { at } = browser(3);
  assert.deepEqual(await at(20), [3, 1]);
  assert.deepEqual(await at(40), [6, 2]);
});

test("a failed renewal is tried again, also after sleep", async () => {
  const { at, facts } = browser(2, { online: false });
  assert.deepEqual(await at(20), [0, 0]);
  facts.online = true;
  assert.deepEqual(await at(23.9), [2, 1]);
});

test("a socket opened with a cookie that another tab renewed does not renew early", async () => {
  const { at, tabs, session } = browser(2);
  await at(20);
  await tabs[0].welcome({ ...session, expires_at: 20 * HOUR + DAY });
  assert.deepEqual(await at(21), [2, 1]);
});
