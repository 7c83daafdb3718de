import "./setup.mjs";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import test from "node:test";

globalThis.document ??= { querySelector: () => ({ content: "ann" }), documentElement: { lang: "en" } };
globalThis.addEventListener ??= () => {};
globalThis.location ??= { href: "http://chat.test/" };
const { upload } = await import("../../chatserver/static/js/net/upload.js");

const WAVE = `${"A".repeat(62)}-_`;
const recording = { name: "语音.webm", alt: "", seconds: 7.26, wave: WAVE };

/** Replace the server; return the requests as {method, url, headers}. */
function serve(answers) {
  const asked = [];
  globalThis.fetch = async () => ({ ok: true, json: async () => ({ file: { id: "a" } }) });
  globalThis.XMLHttpRequest = class {
    upload = {};
    status = 201;
    headers = {};
    open = (method, url) => Object.assign(this, { method, url });
    setRequestHeader = (name, value) => (this.headers[name] = value);
    getResponseHeader = (name) => this.answer[name];
    send() {
      asked.push(this);
      this.answer = answers[this.method];
      this.responseText = JSON.stringify(this.answer);
      setTimeout(() => this.onload());
    }
  };
  return asked;
}

const options = { room: 7, begun: () => {}, progress: () => {} };

test("a small recording is uploaded with its duration and its waveform", async () => {
  const asked = serve({ POST: { file: { id: "a" } } });
  assert.deepEqual(await upload(recording, { size: 9 }, options), { id: "a" });
  const query = Object.fromEntries(new URL(asked[0].url, "http://chat.test").searchParams);
  assert.deepEqual(query, { name: "语音.webm", room: "7", seconds: "7.26", wave: WAVE });
});

test("a long recording is uploaded in parts, with the same", async () => {
  const size = 3 * 2 ** 20;
  const asked = serve({ POST: { Location: "/api/uploads/a" }, PATCH: { "Upload-Offset": String(size) } });
  assert.deepEqual(await upload(recording, { size, slice: () => "" }, options), { id: "a" });
  const pairs = asked[0].headers["Upload-Metadata"].split(",").map((pair) => pair.split(" "));
  const metadata = Object.fromEntries(pairs.map(([key, value]) => [key, Buffer.from(value, "base64").toString()]));
  assert.deepEqual(metadata, { filename: "语音.webm", room: "7", seconds: "7.26", wave: WAVE });
});
