import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { asCommand, asEvent, pending } from "../../chatserver/static/js/lib/view.js";
import { Outbox } from "../../chatserver/static/js/state/outbox.js";
import { Uploader } from "../../chatserver/static/js/state/uploader.js";

class MemoryStore {
  kept = new Map();
  contents = new Map();
  all = async () => [...this.kept.values()].map((entry) => structuredClone(entry));
  find = async (id) => this.kept.get(id);
  put = async (entry) => Boolean(this.kept.set(entry.id, structuredClone(entry)));
  remove = async (id) => void this.kept.delete(id);
  hold = (key, content) => void this.contents.set(key, content);
  content = async (key) => this.contents.get(key) ?? null;
  removeContents = async (files) => files.forEach(({ key }) => this.contents.delete(key));
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
const file = (key, more = {}) => ({ key, name: `${key}.txt`, type: "text/plain", bytes: 3, content: { size: 3, name: key }, ...more });
const described = ({ key, name }) => ({ id: `id-${key}`, name, type: "text/plain", bytes: 3 });

/** An outbox and an uploader; `upload(file, attempt)` replaces the server. */
function rig(upload = described, { store = new MemoryStore(), isOnline, exclusively = (_name, work) => work(), prepare = async (_file, content) => content, send = ({ id }, n) => ({ ok: true, id, room: 1, seq: n, at: 1 }) } = {}) {
  const sent = [];
  const discarded = [];
  let attempts = 0;
  const outbox = new Outbox({ store, send: async (entry) => (sent.push(asCommand(entry)), send(entry, sent.length)) });
  const uploader = new Uploader(outbox, {
    store,
    upload: async (one, content, options) => upload(one, (attempts += 1), { ...options, content }),
    discard: (id) => discarded.push(id),
    prepare,
    isOnline,
    roomOf: (key) => Number(key.slice(1)),
    exclusively,
  });
  return { outbox, uploader, store, sent, discarded };
}

const failure = (code, status, message = "") => Object.assign(new Error(message), { code, status });

test("a message is sent when all its files are uploaded, and other conversations do not wait", async () => {
  let release;
  const { outbox, sent, store } = rig(async (one) => (one.key === "b" && (await new Promise((resolve) => (release = resolve))), described(one)));
  const events = [];
  outbox.addEventListener("outbox:acknowledged", ({ detail: { entry, reply } }) => events.push(asEvent(entry, reply, "ann")));
  outbox.add("#7", "see", { files: [file("a"), file("b")] });
  outbox.add("#8", "later");
  await settled();
  assert.deepEqual(sent.map(({ data }) => data), ["later"]);
  assert.equal(store.contents.size, 2);
  release();
  await settled();
  assert.deepEqual(sent[1].files, ["id-a", "id-b"]);
  assert.deepEqual(events[1].files.map(({ name }) => name), ["a.txt", "b.txt"]);
  assert.deepEqual([store.kept.size, store.contents.size], [0, 0]);
});

test("after a reload the upload goes on, and the message has the same id", async () => {
  const store = new MemoryStore();
  const first = rig(async (_one, _attempt, { begun }) => (begun("half"), new Promise(() => {})), { store });
  first.outbox.add("#7", "", { files: [file("a", { preview: "blob:x" })] });
  await settled();
  const { id } = first.outbox.entriesOf("#7")[0];
  const continued = [];
  const second = rig((one) => (continued.push([one.upload, one.preview]), described(one)), { store });
  await second.outbox.load();
  await settled();
  assert.deepEqual(continued, [["half", undefined]]);
  assert.deepEqual(second.sent.map((command) => [command.id, command.files]), [[id, ["id-a"]]]);
});

test("a refused file keeps the message with the server's sentence; a retry uploads what is missing", async () => {
  const { outbox, sent } = rig((one, attempt) => {
    if (attempt === 2) throw failure("too_large", 413, "A file has at most 3 MB.");
    return described(one);
  });
  outbox.add("#7", "x", { files: [file("a"), file("b")] });
  await settled();
  const [entry] = outbox.entriesOf("#7");
  const shown = pending(entry, "ann", { availability: "online" });
  assert.deepEqual(shown.files.map(({ problem, state }) => [state, problem]), [["pending", undefined], ["failed", "A file has at most 3 MB."]]);
  assert.equal(shown.state, "failed");
  outbox.retry(entry.id);
  await settled();
  assert.deepEqual(sent.map(({ files }) => files), [["id-a", "id-b"]]);
});

test("a lost connection and a busy server are tried again later", async () => {
  for (const error of [failure("unreachable", 0), failure("rate_limited", 429), failure("conflict", 423)]) {
    const { outbox, uploader, sent } = rig((one, attempt) => {
      if (attempt === 1) throw error;
      return described(one);
    });
    outbox.add("#7", "", { files: [file("a")] });
    await settled();
    assert.equal(sent.length, 0);
    assert.equal(outbox.entriesOf("#7")[0].state, "sending");
    uploader.run();
    await settled();
    assert.equal(sent.length, 1, error.code);
  }
});

test("a file whose upload is cut every time delays no other, and is refused after several attempts", async () => {
  for (const error of [failure("unreachable", 0, "It was cut."), failure("conflict", 423, "It was cut.")]) {
    let attempts = 0;
    const { outbox, uploader, sent } = rig((one) => {
      if (one.key !== "a") return described(one);
      attempts += 1;
      throw error;
    });
    outbox.add("#7", "first", { files: [file("a")] });
    outbox.add("#9", "second", { files: [file("b")] });
    await settled();
    outbox.add("#8", "third", { files: [file("c")] }); // while the first one waits to be tried again
    await settled();
    assert.deepEqual(sent.map(({ data }) => data), ["second", "third"]);
    const [entry] = outbox.entriesOf("#7");
    assert.equal(entry.state, "sending");
    for (let round = 0; round < 20; round += 1) await uploader.run();
    assert.deepEqual([attempts, entry.state, entry.files[0].problem], [10, "failed", "It was cut."]);
  }
});

test("a file is not refused while the server cannot be reached or the upload makes progress", async () => {
  const cut = failure("unreachable", 0);
  const away = rig(() => Promise.reject(cut), { isOnline: () => false });
  let sentBytes = 0;
  const slow = rig((_one, _attempt, { progress }) => {
    progress((sentBytes += 2 ** 20));
    throw cut;
  });
  for (const { outbox, uploader } of [away, slow]) {
    outbox.add("#7", "", { files: [file("a", { bytes: 2 ** 26 })] });
    for (let round = 0; round < 30; round += 1) await uploader.run();
    const [entry] = outbox.entriesOf("#7");
    assert.equal(entry.state, "sending");
    outbox.remove(entry.id);
  }
});

test("a picture that cannot be prepared, and one that another tab uploads, delay no other", async () => {
  const prepare = async ({ key }, content) => (key === "a" ? Promise.reject(new Error()) : content);
  const exclusively = (key, work) => (key === "b" ? Promise.reject(new Error("another tab uploads it")) : work());
  const { outbox, sent } = rig(described, { prepare, exclusively });
  for (const key of ["a", "b", "c"]) outbox.add(`#${key}`, key, { files: [file(key)] });
  await settled();
  assert.deepEqual(sent.map(({ data }) => data), ["c"]);
  assert.deepEqual(["#a", "#b"].map((key) => outbox.entriesOf(key)[0].state), ["failed", "sending"]);
  outbox.remove(outbox.entriesOf("#b")[0].id);
});

test("a failure of the server is shown after several attempts", async () => {
  const { outbox, uploader } = rig(() => {
    throw failure("unavailable", 503, "The disk is full.");
  });
  outbox.add("#7", "", { files: [file("a")] });
  for (let attempt = 1; attempt < 4; attempt += 1) {
    await settled();
    assert.equal(outbox.entriesOf("#7")[0].state, "sending");
    await uploader.run();
  }
  assert.equal(outbox.entriesOf("#7")[0].files[0].problem, "The disk is full.");
});

test("a removed file is aborted and deleted; a message without text and files is not sent", async () => {
  const aborted = [];
  const never = (one, _attempt, { signal, begun }) => {
    begun(`up-${one.key}`);
    signal.addEventListener("abort", () => aborted.push(one.key));
    return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(failure("unreachable", 0))));
  };
  const { outbox, uploader, sent, discarded, store } = rig((one, ...rest) => (one.key === "a" ? never(one, ...rest) : described(one)));
  outbox.add("#7", "", { files: [file("a"), file("b")] });
  await settled();
  uploader.remove(outbox.entriesOf("#7")[0], "a");
  await settled();
  assert.deepEqual([aborted, discarded, sent.map(({ files }) => files)], [["a"], ["up-a"], [["id-b"]]]);
  outbox.add("#7", "", { files: [file("a")] });
  await settled();
  uploader.remove(outbox.entriesOf("#7")[0], "a");
  await settled();
  assert.deepEqual([outbox.size, sent.length, store.contents.size], [0, 1, 0]);
});

test("files that the server has deleted since are uploaded again, once", async () => {
  const { outbox, sent } = rig((one, attempt) => ({ ...described(one), id: `id-${attempt}` }), {
    send: ({ id }, n) => (n === 1 ? { ok: false, code: "bad_request", data: "No such file." } : { ok: true, id, room: 1, seq: n, at: 1 }),
  });
  outbox.add("#7", "", { files: [file("a")] });
  await settled();
  assert.deepEqual(sent.map(({ files }) => files), [["id-1"], ["id-2"]]);
});

test("what another tab has uploaded or sent is not uploaded again", async () => {
  const { outbox, uploader, store } = rig(() => Promise.reject(failure("unreachable", 0)));
  outbox.add("#7", "", { files: [file("a")] });
  outbox.add("#8", "", { files: [file("b")] });
  await settled();
  const [one] = outbox.entriesOf("#7");
  store.kept.set(one.id, { ...one, files: [{ ...one.files[0], uploaded: { id: "theirs" } }] });
  store.kept.delete(outbox.entriesOf("#8")[0].id);
  await uploader.run();
  await settled();
  assert.equal(outbox.size, 0);
});
