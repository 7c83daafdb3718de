import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";

globalThis.document ??= { querySelector: () => ({ content: "ann" }), documentElement: { lang: "en" } };
globalThis.addEventListener ??= () => {};
globalThis.location ??= { href: "http://chat.test/" };
const { textReader } = await import("../../chatserver/static/js/net/file-text.js");

/** Answer range requests with `content`; return the ranges that were requested. */
function serve(content, { ranges = true } = {}) {
  const asked = [];
  globalThis.fetch = async (_url, { headers }) => {
    asked.push(headers.Range);
    const [start, end] = /(\d+)-(\d+)/.exec(headers.Range).slice(1).map(Number);
    const body = ranges ? content.slice(start, end + 1) : content;
    return new Response(body, { status: ranges ? 206 : 200 });
  };
  return asked;
}

const bytesOf = (text) => new TextEncoder().encode(text);

test("a text is read in parts, and characters between two parts stay whole", async () => {
  const content = bytesOf("\ufeffab€cd\u0007\tx\n");
  const asked = serve(content);
  const reader = textReader("/f", content.byteLength);
  assert.equal(await reader.next(6), "ab");
  assert.ok(!reader.isAtEnd);
  assert.equal(await reader.next(100), "€cd\tx\n");
  assert.ok(reader.isAtEnd);
  assert.deepEqual(asked, ["bytes=0-5", `bytes=6-${content.byteLength - 1}`]);
});

test("a whole file is refused in the place of a part", async () => {
  const content = bytesOf("x".repeat(100));
  serve(content, { ranges: false });
  await assert.rejects(textReader("/f", 100).next(10), /cannot be loaded/);
  assert.equal((await textReader("/f", 100).next(200)).length, 100);
});
