import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { Outbox } from "../../chatserver/static/js/state/outbox.js";
import { Type } from "../../chatserver/static/js/net/protocol.js";

class MemoryStore {
  clear = async () => void this.kept.clear();
  kept = new Map();
  all = async () => [...this.kept.values()].map((entry) => ({ ...entry }));
  full = false;
  put = async (entry) => !this.full && Boolean(this.kept.set(entry.id, { ...entry }));
  remove = async (id) => void this.kept.delete(id);
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

function outbox(reply, store = new MemoryStore()) {
  const sent = [];
  const box = new Outbox({
    store,
    send: async (entry) => {
      sent.push(entry.data);
      return reply(entry, sent.length);
    },
  });
  return { box, sent, store };
}

const ok = ({ id }, n) => ({ ok: true, id, room: 1, seq: n, at: 1 });
const offline = () => Promise.reject(new Error("offline"));

test("messages are sent one after another, in order, and removed when the server replies", async () => {
  const { box, sent, store } = outbox(ok);
  const answered = [];
  box.addEventListener("outbox:acknowledged", ({ detail }) => answered.push(detail.entry.data));
  for (const text of ["a", "b", "c"]) box.add("#1", text);
  await settled();
  assert.deepEqual(sent, ["a", "b", "c"]);
  assert.deepEqual(answered, ["a", "b", "c"]);
  assert.equal(store.kept.size, 0);
});

test("messages written while offline are sent later, in order and under the same ids", async () => {
  let online = false;
  const { box, sent, store } = outbox((...facts) => (online ? ok(...facts) : offline()));
  for (const text of ["a", "b", "c"]) box.add("#1", text);
  await settled();
  const ids = box.entriesOf("#1").map(({ id }) => id);
  assert.equal(store.kept.size, 3);
  online = true;
  sent.length = 0;
  await box.flush();
  assert.deepEqual(sent, ["a", "b", "c"]);
  assert.equal(new Set(ids).size, 3);
  assert.equal(box.size, 0);
});

test("messages survive a reload and are sent before newer ones", async () => {
  const first = outbox(offline);
  first.box.add("#1", "a");
  first.box.add("@bo", "b");
  await settled();
  const second = outbox(ok, first.store);
  second.box.add("#1", "c");
  await second.box.load();
  await settled();
  assert.deepEqual([...second.sent].sort(), ["a", "b", "c"]);
  assert.ok(second.sent.indexOf("a") < second.sent.indexOf("b"));
});

test("what a closed tab has left is sent once, though it is looked for twice at the same time", async () => {
  const { box: closed, store } = outbox(offline);
  closed.add("#1", "a");
  await settled();
  const { box, sent } = outbox(ok, store);
  box.add("#1", "b");
  await Promise.all([box.load(), box.load()]);
  box.add("#1", "c");
  await settled();
  assert.deepEqual([...sent].sort(), ["a", "b", "c"]);
  assert.equal(box.size, 0);
});

test("a message that is sent while stored ones are read is not adopted again", async () => {
  const { box, sent, store } = outbox(ok);
  const { all } = store;
  box.add("#1", "a");
  const [entry] = box.entriesOf("#1");
  store.all = async () => {
    const read = [...(await all()), { ...entry }];
    await settled(); // then it is sent
    return read;
  };
  await box.load();
  await settled();
  assert.deepEqual(sent, ["a"]);
  assert.equal(box.size, 0);
});

test("a refused message stays in the outbox with its reason, and the next one is sent", async () => {
  const { box } = outbox((entry, n) =>
    entry.data === "bad" ? { ok: false, code: "too_large", data: "Too large." } : ok(entry, n),
  );
  box.add("#1", "bad");
  box.add("#1", "good");
  await settled();
  const [failed] = box.entriesOf("#1");
  assert.deepEqual([failed.state, failed.problem, box.size], ["failed", "Too large.", 1]);
  box.remove(failed.id);
  assert.equal(box.size, 0);
});

test("Retry sends a refused message under a new id", async () => {
  let refuse = true;
  const { box, sent } = outbox((entry, n) => (refuse ? { ok: false, code: "forbidden", data: "No." } : ok(entry, n)));
  box.add("#1", "a");
  await settled();
  const [{ id }] = box.entriesOf("#1");
  refuse = false;
  box.retry(id);
  await settled();
  assert.deepEqual(sent, ["a", "a"]);
  assert.equal(box.size, 0);
});

test("a rate-limited message waits for retry_after and is sent again", async () => {
  const { box, sent } = outbox((entry, n) =>
    n === 1 ? { ok: false, code: "rate_limited", retry_after: 0.01 } : ok(entry, n),
  );
  box.add("#1", "a");
  await settled();
  assert.equal(box.entriesOf("#1")[0].state, "sending");
  await new Promise((resolve) => setTimeout(resolve, 120));
  assert.deepEqual(sent, ["a", "a"]);
  assert.equal(box.size, 0);
});

test("an event that arrives before the reply acknowledges the message", async () => {
  const { box } = outbox(offline);
  box.add("#1", "a");
  await settled();
  const [{ id }] = box.entriesOf("#1");
  assert.equal(box.acknowledge(id), true);
  assert.equal(box.acknowledge(id), false);
  assert.equal(box.size, 0);
});

test("a message without a reply fails after several attempts, and the next one is sent", async () => {
  const noReply = () => Promise.reject(Object.assign(new Error("no reply"), { timedOut: true }));
  const { box, sent } = outbox((entry, n) => (entry.data === "mute" ? noReply() : ok(entry, n)));
  box.add("#1", "mute");
  box.add("#1", "next");
  for (let times = 0; times < 4; times += 1) {
    await settled();
    assert.equal(box.entriesOf("#1")[0].state, "sending");
    await box.flush();
  }
  await box.flush();
  const [failed] = box.entriesOf("#1");
  assert.deepEqual([failed.state, failed.problem], ["failed", "The server does not answer."]);
  assert.equal(sent.at(-1), "next");
});

test("Retry keeps the id of a message without a reply, because the server may have stored it", async () => {
  let answers = false;
  const noReply = () => Promise.reject(Object.assign(new Error("no reply"), { timedOut: true }));
  const { box } = outbox((entry, n) => (answers ? ok(entry, n) : noReply()));
  box.add("#1", "a");
  for (let times = 0; times < 5; times += 1) await box.flush().then(settled);
  const [{ id, state }] = box.entriesOf("#1");
  assert.equal(state, "failed");
  answers = true;
  const answered = [];
  box.addEventListener("outbox:acknowledged", ({ detail }) => answered.push(detail.entry.id));
  box.retry(id);
  await settled();
  assert.deepEqual(answered, [id]);
});

test("lost connections do not count as attempts: the message stays queued", async () => {
  const { box } = outbox(offline);
  box.add("#1", "a");
  for (let times = 0; times < 20; times += 1) await box.flush().then(settled);
  assert.equal(box.entriesOf("#1")[0].state, "sending");
});

test("lone surrogates are replaced", async () => {
  const { box, sent } = outbox(ok);
  box.add("#1", "a \ud83d b \udc4d c 👍");
  await settled();
  assert.deepEqual(sent, ["a \ufffd b \ufffd c 👍"]);
});

test("after a restored backup a retried message loses its quotation, because the seq belongs to another message", async () => {
  const { box } = outbox(() => ({ ok: false, code: "forbidden", data: "No." }));
  box.add("#9", "a", { replyTo: 17, epoch: "old" });
  await settled();
  box.retry(box.entriesOf("#9")[0].id, "new");
  await settled();
  const [entry] = box.entriesOf("#9");
  assert.deepEqual([entry.replyTo, entry.epoch], [undefined, "new"]);
});

test("messages that other tabs have stored are counted and cleared too", async () => {
  const first = outbox(offline);
  first.box.add("#1", "a");
  const second = outbox(offline, first.store);
  second.box.add("#1", "b");
  await settled();
  assert.equal(await second.box.count(), 2);
  await second.box.clear();
  assert.equal(first.store.kept.size, 0);
});

const EDIT = { key: "#9", room: 9, type: Type.EDIT, target: 4, epoch: "old" };

test("edits and reactions are sent in order with the messages and survive a reload", async () => {
  const first = outbox(offline);
  first.box.add("#9", "before");
  first.box.addChange({ ...EDIT, data: "edited" });
  first.box.addChange({ ...EDIT, type: Type.REACT, emoji: "👍", on: true });
  first.box.add("#9", "after");
  await settled();
  const second = outbox(ok, first.store);
  await second.box.load();
  await settled();
  assert.deepEqual(second.sent, ["before", "edited", "", "after"]);
});

test("a new edit replaces a refused one, and Retry keeps its epoch", async () => {
  const { box } = outbox(() => ({ ok: false, code: "forbidden", data: "No." }));
  box.addChange({ ...EDIT, data: "one" });
  await settled();
  const [{ id }] = box.entriesOf("#9");
  box.retry(id, "new");
  await settled();
  const [again] = box.entriesOf("#9");
  assert.deepEqual([again.id === id, again.epoch, again.data, again.target], [false, "old", "one", 4]);
  box.addChange({ ...EDIT, data: "two" });
  await settled();
  assert.deepEqual(box.entriesOf("#9").map(({ data, state }) => [data, state]), [["two", "failed"]]);
});

test("a message that could not be stored is counted until it is sent", async () => {
  let online = false;
  const { box, store } = outbox((...facts) => (online ? ok(...facts) : offline()));
  store.full = true;
  box.add("#1", "a");
  await settled();
  assert.equal(box.unsavedCount, 1);
  store.full = false;
  box.add("#1", "b");
  await settled();
  assert.equal(box.unsavedCount, 1);
  online = true;
  await box.flush();
  assert.equal(box.unsavedCount, 0);
});

test("entries are stored again after the site data was cleared", async () => {
  const { box, store } = outbox(offline);
  for (const text of ["a", "b"]) box.add("#1", text);
  await settled();
  store.kept.clear();
  store.onLost();
  await settled();
  assert.deepEqual([...store.kept.values()].map(({ data }) => data), ["a", "b"]);
});

test("a refusal that a retry cannot change is final", async () => {
  const cases = [
    [{ type: Type.GROUP_CHAT }, "bad_request", true],
    [{ type: Type.GROUP_CHAT }, "too_large", true],
    [{ type: Type.GROUP_CHAT }, "not_found", false], // the user may become a member again
    [{ type: Type.GROUP_CHAT }, "forbidden", false],
    [{ type: Type.EDIT, target: 1 }, "not_found", true],
    [{ type: Type.DELETE, target: 1 }, "forbidden", false],
    [{ type: Type.EDIT, target: 1 }, "forbidden", false],
    [{ type: Type.EDIT, target: 1 }, "bad_request", true],
  ];
  for (const [facts, code, final] of cases) {
    const { box } = outbox(() => ({ ok: false, code, data: "No." }));
    box.addChange({ key: "#1", ...facts });
    await settled();
    assert.deepEqual([code, box.entriesOf("#1")[0].final], [code, final]);
  }
});

test("a message counts as tried when it was sent or loaded after a reload, not while offline", async () => {
  const unsent = Object.assign(new Error("offline"), { unsent: true });
  const { box, store } = outbox(({ data }) => Promise.reject(data === "sent" ? new Error("lost") : unsent));
  const tried = () => box.entriesOf("#1").map((entry) => Boolean(entry.tried));
  box.add("#1", "waits");
  await settled();
  assert.deepEqual(tried(), [false]);
  box.remove(box.entriesOf("#1")[0].id);
  box.add("#1", "sent");
  await settled();
  assert.deepEqual(tried(), [true]);
  const after = outbox(offline, store).box;
  await after.load();
  assert.deepEqual(after.entriesOf("#1").map((entry) => entry.tried), [true]);
});

test("deleting or reacting to a deleted message leaves nothing unsent", async () => {
  for (const type of [Type.DELETE, Type.REACT]) {
    const { box, store } = outbox(() => ({ ok: false, code: "not_found", data: "No." }));
    box.addChange({ key: "#1", type, target: 1 });
    await settled();
    assert.deepEqual([box.size, store.kept.size, await box.count()], [0, 0, 0]);
  }
});
