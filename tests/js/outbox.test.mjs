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

function outbox(answer, store = new MemoryStore()) {
  const sent = [];
  const box = new Outbox({
    store,
    send: async (entry) => {
      sent.push(entry.data);
      return answer(entry, sent.length);
    },
  });
  return { box, sent, store };
}

const ok = ({ id }, n) => ({ ok: true, id, room: 1, seq: n, at: 1 });
const lost = () => Promise.reject(new Error("no line"));

test("messages go out one after the other, in order, and are forgotten when answered", async () => {
  const { box, sent, store } = outbox(ok);
  const answered = [];
  box.addEventListener("outbox:answered", ({ detail }) => answered.push(detail.entry.data));
  for (const text of ["a", "b", "c"]) box.add("#1", text);
  await settled();
  assert.deepEqual(sent, ["a", "b", "c"]);
  assert.deepEqual(answered, ["a", "b", "c"]);
  assert.equal(store.kept.size, 0);
});

test("without a line everything stays, and goes out in order later, under the same ids", async () => {
  let online = false;
  const { box, sent, store } = outbox((...facts) => (online ? ok(...facts) : lost()));
  for (const text of ["a", "b", "c"]) box.add("#1", text);
  await settled();
  const ids = box.of("#1").map(({ id }) => id);
  assert.equal(store.kept.size, 3);
  online = true;
  sent.length = 0;
  await box.flush();
  assert.deepEqual(sent, ["a", "b", "c"]);
  assert.equal(new Set(ids).size, 3);
  assert.equal(box.size, 0);
});

test("it survives a reload, and what was written since comes after", async () => {
  const first = outbox(lost);
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

test("a refused message fails with the server's words; the next one goes out", async () => {
  const { box } = outbox((entry, n) =>
    entry.data === "bad" ? { ok: false, code: "too_large", data: "Too large." } : ok(entry, n),
  );
  box.add("#1", "bad");
  box.add("#1", "good");
  await settled();
  const [failed] = box.of("#1");
  assert.deepEqual([failed.state, failed.problem, box.size], ["failed", "Too large.", 1]);
  box.remove(failed.id);
  assert.equal(box.size, 0);
});

test("Retry sends again, under a new id", async () => {
  let refuse = true;
  const { box, sent } = outbox((entry, n) => (refuse ? { ok: false, code: "forbidden", data: "No." } : ok(entry, n)));
  box.add("#1", "a");
  await settled();
  const [{ id }] = box.of("#1");
  refuse = false;
  box.retry(id);
  await settled();
  assert.deepEqual(sent, ["a", "a"]);
  assert.equal(box.size, 0);
});

test("too fast is not a failure: it waits as long as it is told to", async () => {
  const { box, sent } = outbox((entry, n) =>
    n === 1 ? { ok: false, code: "rate_limited", retry_after: 0.01 } : ok(entry, n),
  );
  box.add("#1", "a");
  await settled();
  assert.equal(box.of("#1")[0].state, "sending");
  await new Promise((resolve) => setTimeout(resolve, 120));
  assert.deepEqual(sent, ["a", "a"]);
  assert.equal(box.size, 0);
});

test("an event that comes before the answer settles it", async () => {
  const { box } = outbox(lost);
  box.add("#1", "a");
  await settled();
  const [{ id }] = box.of("#1");
  assert.equal(box.settle(id), true);
  assert.equal(box.settle(id), false);
  assert.equal(box.size, 0);
});

test("a message that stays without an answer fails in the end, and the next one goes out", async () => {
  const silent = () => Promise.reject(Object.assign(new Error("no reply"), { silent: true }));
  const { box, sent } = outbox((entry, n) => (entry.data === "mute" ? silent() : ok(entry, n)));
  box.add("#1", "mute");
  box.add("#1", "next");
  for (let times = 0; times < 4; times += 1) {
    await settled();
    assert.equal(box.of("#1")[0].state, "sending");
    await box.flush();
  }
  await box.flush();
  const [failed] = box.of("#1");
  assert.deepEqual([failed.state, failed.problem], ["failed", "The server does not answer."]);
  assert.equal(sent.at(-1), "next");
});

test("Retry keeps the id of a message that was never answered: it may be stored", async () => {
  let answers = false;
  const silent = () => Promise.reject(Object.assign(new Error("no reply"), { silent: true }));
  const { box } = outbox((entry, n) => (answers ? ok(entry, n) : silent()));
  box.add("#1", "a");
  for (let times = 0; times < 5; times += 1) await box.flush().then(settled);
  const [{ id, state }] = box.of("#1");
  assert.equal(state, "failed");
  answers = true;
  const answered = [];
  box.addEventListener("outbox:answered", ({ detail }) => answered.push(detail.entry.id));
  box.retry(id);
  await settled();
  assert.deepEqual(answered, [id]);
});

test("a lost line is no silence: the message waits for ever", async () => {
  const { box } = outbox(lost);
  box.add("#1", "a");
  for (let times = 0; times < 20; times += 1) await box.flush().then(settled);
  assert.equal(box.of("#1")[0].state, "sending");
});

test("half of a surrogate pair does not enter", async () => {
  const { box, sent } = outbox(ok);
  box.add("#1", "a \ud83d b \udc4d c 👍");
  await settled();
  assert.deepEqual(sent, ["a \ufffd b \ufffd c 👍"]);
});

test("after a restored backup a retried message quotes nothing: the number is another message's", async () => {
  const { box } = outbox(() => ({ ok: false, code: "forbidden", data: "No." }));
  box.add("#9", "a", { replyTo: 17, epoch: "old" });
  await settled();
  box.retry(box.of("#9")[0].id, "new");
  await settled();
  const [entry] = box.of("#9");
  assert.deepEqual([entry.replyTo, entry.epoch], [undefined, "new"]);
});

test("clearing forgets what other tabs have left on disk, counted before", async () => {
  const first = outbox(lost);
  first.box.add("#1", "a");
  const second = outbox(lost, first.store);
  second.box.add("#1", "b");
  await settled();
  assert.equal(await second.box.count(), 2);
  await second.box.clear();
  assert.equal(first.store.kept.size, 0);
});

const EDIT = { key: "#9", room: 9, type: Type.EDIT, target: 4, epoch: "old" };

test("acts go out between the messages, in order, and survive a reload", async () => {
  const first = outbox(lost);
  first.box.add("#9", "before");
  first.box.addAct({ ...EDIT, data: "edited" });
  first.box.addAct({ ...EDIT, type: Type.REACT, emoji: "👍", on: true });
  first.box.add("#9", "after");
  await settled();
  const second = outbox(ok, first.store);
  await second.box.load();
  await settled();
  assert.deepEqual(second.sent, ["before", "edited", "", "after"]);
});

test("another edit of a message replaces the refused one, Retry keeps the log that it belongs to", async () => {
  const { box } = outbox(() => ({ ok: false, code: "forbidden", data: "No." }));
  box.addAct({ ...EDIT, data: "one" });
  await settled();
  const [{ id }] = box.of("#9");
  box.retry(id, "new");
  await settled();
  const [again] = box.of("#9");
  assert.deepEqual([again.id === id, again.epoch, again.data, again.target], [false, "old", "one", 4]);
  box.addAct({ ...EDIT, data: "two" });
  await settled();
  assert.deepEqual(box.of("#9").map(({ data, state }) => [data, state]), [["two", "failed"]]);
});

test("what could not be stored is counted until it is sent", async () => {
  let online = false;
  const { box, store } = outbox((...facts) => (online ? ok(...facts) : lost()));
  store.full = true;
  box.add("#1", "a");
  await settled();
  assert.equal(box.unkept, 1);
  store.full = false;
  box.add("#1", "b");
  await settled();
  assert.equal(box.unkept, 1);
  online = true;
  await box.flush();
  assert.equal(box.unkept, 0);
});

test("entries are stored again after the data of the site were cleared", async () => {
  const { box, store } = outbox(lost);
  for (const text of ["a", "b"]) box.add("#1", text);
  await settled();
  store.kept.clear();
  store.onLost();
  await settled();
  assert.deepEqual([...store.kept.values()].map(({ data }) => data), ["a", "b"]);
});

test("what would be refused again is final", async () => {
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
    box.addAct({ key: "#1", ...facts });
    await settled();
    assert.deepEqual([code, box.of("#1")[0].final], [code, final]);
  }
});

test("a message is tried when it was sent without an answer, and after a reload, not while there was no connection", async () => {
  const unsent = Object.assign(new Error("offline"), { unsent: true });
  const { box, store } = outbox(({ data }) => Promise.reject(data === "sent" ? new Error("lost") : unsent));
  const tried = () => box.of("#1").map((entry) => Boolean(entry.tried));
  box.add("#1", "waits");
  await settled();
  assert.deepEqual(tried(), [false]);
  box.remove(box.of("#1")[0].id);
  box.add("#1", "sent");
  await settled();
  assert.deepEqual(tried(), [true]);
  const after = outbox(lost, store).box;
  await after.load();
  assert.deepEqual(after.of("#1").map((entry) => entry.tried), [true]);
});

test("a deletion or a reaction whose message is deleted already leaves nothing unsent", async () => {
  for (const type of [Type.DELETE, Type.REACT]) {
    const { box, store } = outbox(() => ({ ok: false, code: "not_found", data: "No." }));
    box.addAct({ key: "#1", type, target: 1 });
    await settled();
    assert.deepEqual([box.size, store.kept.size, await box.count()], [0, 0, 0]);
  }
});
