import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { Outbox } from "../../chatserver/static/js/outbox.js";

class MemoryStore {
  kept = new Map();
  all = async () => [...this.kept.values()].map((entry) => ({ ...entry }));
  put = async (entry) => void this.kept.set(entry.id, { ...entry });
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
