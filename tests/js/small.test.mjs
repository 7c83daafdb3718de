import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { Dates } from "../../chatserver/static/js/lib/dates.js";
import { _, ngettext, setCatalogue } from "../../chatserver/static/js/lib/i18n.js";
import { newId } from "../../chatserver/static/js/lib/ids.js";
import { hue, HUES, initial, labelled, look, namesakes } from "../../chatserver/static/js/lib/names.js";
import { hashOf, keyOf, parse } from "../../chatserver/static/js/lib/route.js";
import { inPlace, withLate } from "../../chatserver/static/js/lib/order.js";
import { changes } from "../../chatserver/static/js/lib/changes.js";
import { encoded, trimmed, wellFormed } from "../../chatserver/static/js/lib/text.js";
import { badge, title } from "../../chatserver/static/js/lib/unread.js";
import { asCommand, asEvent, kindOf, listed, pending, roomName, stored } from "../../chatserver/static/js/lib/view.js";

test("ids are 22 letters that the wire allows, and differ", () => {
  const ids = new Set(Array.from({ length: 1000 }, () => newId()));
  assert.equal(ids.size, 1000);
  for (const id of ids) assert.match(id, /^[A-Za-z0-9_-]{22}$/);
});

test("texts come from the catalogue, in English without one", () => {
  setCatalogue({});
  assert.equal(_("Hello %(name)s, 100%%", { name: "bo" }), "Hello bo, 100%");
  assert.equal(ngettext("%(num)s cat", "%(num)s cats", 1), "1 cat");
  assert.equal(ngettext("%(num)s cat", "%(num)s cats", 2), "2 cats");
  setCatalogue({ Hello: "你好", "%(num)s cat": ["%(num)s 只猫"], Empty: "" });
  assert.equal(_("Hello"), "你好");
  assert.equal(_("Empty"), "Empty");
  assert.equal(ngettext("%(num)s cat", "%(num)s cats", 1), "1 只猫");
  assert.equal(ngettext("%(num)s cat", "%(num)s cats", 7), "7 只猫");
  setCatalogue({});
});

test("what is filled in is not read as a pattern", () => {
  assert.equal(_("Hello %(name)s", { name: "%(name)s $& %%" }), "Hello %(name)s $& %%");
  assert.equal(_("Hello %(who)s"), "Hello %(who)s");
});

test("pictures of people: a letter and a hue", () => {
  assert.equal(initial("  ann"), "A");
  assert.equal(initial("陈一"), "陈");
  assert.equal(initial("😀 x"), "😀");
  assert.equal(initial(""), "?");
  for (const name of ["ann", "bo", "cy", "陈一"]) assert.ok(hue(name) >= 0 && hue(name) < HUES);
  assert.equal(hue("ann"), hue("ann"));
});

test("addresses of conversations go both ways", () => {
  for (const key of ["#1", "#90", "@bo", "@陈一", "@a/b?c#d%"]) assert.equal(parse(hashOf(key)), key);
  for (const hash of ["", "#", "#composer-text", "#/room/", "#/room/x", "#/room/0", "#/with/%E0%A4%A"]) {
    assert.equal(parse(hash), null);
  }
  assert.equal(keyOf({ kind: "direct", room: 4, to: "bo" }), "@bo");
  assert.equal(keyOf({ kind: "group", room: 4 }), "#4");
});

test("numbers of unread messages", () => {
  assert.deepEqual([0, 1, 99, 100].map(badge), ["", "1", "99", "99+"]);
  assert.equal(title("Lobby", 3), "(3) Lobby");
  assert.equal(title("Lobby", 0), "Lobby");
});

test("days are told as people tell them", () => {
  const dates = new Dates("en-GB");
  const now = new Date(2031, 4, 10, 9).getTime();
  const day = (...date) => dates.day(new Date(...date).getTime(), now);
  assert.equal(day(2031, 4, 10, 0), "Today");
  assert.equal(day(2031, 4, 9, 23, 59), "Yesterday");
  assert.equal(day(2031, 4, 7, 12), "Wednesday");
  assert.match(day(2031, 3, 1, 12), /1 April$/);
  assert.match(day(2030, 3, 1, 12), /2030$/);
  assert.equal(new Dates("zh-Hans").day(now, now), "今天");
});

test("an entry, its reply and its event are one message with one key", () => {
  const entry = { id: "x1", key: "@bo", data: "hi", at: 5, state: "sending" };
  assert.deepEqual(asCommand(entry), { type: 3, to: "bo", data: "hi", id: "x1" });
  assert.deepEqual(asCommand({ ...entry, key: "#9" }), { type: 2, room: 9, data: "hi", id: "x1" });
  const event = asEvent(entry, { room: 4, seq: 2, at: 6 }, "ann");
  assert.equal(stored(event, "ann").key, pending(entry, "ann", { line: "online" }).key);
  assert.equal(stored({ ...event, user: "bo" }, "ann").key, "seq:2");
  for (const line of ["waiting", "login"]) assert.equal(pending(entry, "ann", { line }).state, line);
  assert.equal(pending({ ...entry, state: "failed" }, "ann", { line: "waiting" }).state, "failed");
});

test("rooms by number, direct conversations by age; those without a message only while open", () => {
  const make = (key, room, lastAt = 0) => ({ key, room, lastAt, isDirect: key.startsWith("@") });
  const all = [make("#9", 9), make("#1", 1), make("@bo", 4, 1), make("@cy", 5, 2), make("@dee", null)];
  const keys = (found) => found.map(({ key }) => key);
  assert.deepEqual(keys(listed(all, "#1").rooms), ["#1", "#9"]);
  assert.deepEqual(keys(listed(all, "#1").direct), ["@cy", "@bo"]);
  assert.deepEqual(keys(listed(all, "@dee").direct), ["@cy", "@bo", "@dee"]);
});

test("the lobby has a word in every language", () => {
  assert.equal(roomName({ title: "Lobby", key: "#1" }, "大厅"), "大厅");
  assert.equal(roomName({ title: "", key: "#1" }, "大厅"), "大厅");
  assert.equal(roomName({ title: "Disks", key: "#2" }, "大厅"), "Disks");
  assert.equal(roomName({ title: "Lobby", key: "#2" }, "大厅"), "Lobby");
});

test("a conversation with oneself is a place for notes", () => {
  assert.equal(kindOf({ to: null }, "ann"), "room");
  assert.equal(kindOf({ to: "bo" }, "ann"), "direct");
  assert.equal(kindOf({ to: "ann" }, "ann"), "self");
});

test("text that is sent has no half of a surrogate pair, wherever it stands", () => {
  assert.equal(wellFormed("👍 ok 例"), "👍 ok 例");
  assert.equal(wellFormed("\ud83d"), "\ufffd");
  assert.equal(wellFormed("\udc4d\ud83d"), "\ufffd\ufffd");
  assert.equal(wellFormed("\ud83d👍\udc4d"), "\ufffd👍\ufffd");
  assert.deepEqual(JSON.parse(encoded({ a: ["\ud83d", 1, null], b: { c: "x\udc4d" } })), { a: ["\ufffd", 1, null], b: { c: "x\ufffd" } });
});

test("a form sends what was changed since it was opened, and nothing when nothing was", () => {
  const shown = { title: "A", topic: "", receipts: false, room: 9 };
  assert.equal(changes(shown, { title: "A", topic: "", receipts: false }), null);
  assert.deepEqual(changes(shown, { title: "B", topic: "", receipts: false }), { title: "B" });
  assert.deepEqual(changes(shown, { title: "A", topic: "x", receipts: true }), { topic: "x", receipts: true });
});

test("rows under a pointer keep their places and get their new facts", () => {
  const shown = [{ key: "a", unread: 0 }, { key: "b", unread: 0 }];
  const wanted = [{ key: "c", unread: 1 }, { key: "b", unread: 2 }];
  assert.deepEqual(inPlace(shown, wanted), [{ key: "a", unread: 0 }, { key: "b", unread: 2 }]);
});

test("two display names that cannot be told apart need their user names", () => {
  const people = [
    { name: "ann", display: "Ann" },
    { name: "ann2", display: "ANN " },
    { name: "bo", display: "Bo" },
    { name: "cy", display: "В\u043e", look: "bo" },
    { name: "dan", display: "Daniel" },
    { name: "eve", display: "dan" },
  ];
  assert.deepEqual([...namesakes(people)], ["ann", "ann2", "bo", "cy", "eve"]);
  assert.equal(look("paypaI"), look("paypal"));
  assert.equal(labelled(people[0]), "Ann");
  assert.equal(labelled(people[4]), "Daniel (@dan)");
});

test("candidates that come late stand behind those that are shown", () => {
  const [ada, bo, cy] = ["ada", "bo", "cy"].map((key) => ({ key }));
  assert.deepEqual(withLate([cy], [ada, bo, cy], 8), [cy, ada, bo]);
  assert.deepEqual(withLate([cy, bo], [ada, bo, cy], 2), [cy, bo]);
});

test("only empty lines around a message and white space at its end are trimmed", () => {
  const cases = {
    "  code\n    more  ": "  code\n    more",
    "\tindented": "\tindented",
    "　　第一段\n　　第二段\n": "　　第一段\n　　第二段",
    "\n \n\t\n  x\n\n": "  x",
    "a\n\nb": "a\n\nb",
    " \n　\n ": "",
  };
  for (const [written, sent] of Object.entries(cases)) assert.equal(trimmed(written), sent);
});
