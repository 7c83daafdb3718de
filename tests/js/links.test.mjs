import assert from "node:assert/strict";
import test from "node:test";
import { split } from "../../chatserver/static/js/lib/links.js";

const links = (text) => split(text).filter(({ href }) => href).map(({ text: shown }) => shown);

const CASES = [
  ["看https://example.com/docs了解更多", ["https://example.com/docs"]],
  ["…/guide，见 https://example.com/guide，详见", ["https://example.com/guide"]],
  ["（https://example.com/foo）", ["https://example.com/foo"]],
  ["http://t.example/RZwjG7U（分享自", ["http://t.example/RZwjG7U"]],
  ["「https://example.com」と", ["https://example.com"]],
  ["See https://example.com/a. Then https://example.com/b?", ["https://example.com/a", "https://example.com/b"]],
  ["(https://en.example.org/wiki/Set_(game))", ["https://en.example.org/wiki/Set_(game)"]],
  ["“https://example.com/x”…", ["https://example.com/x"]],
  ["https://example.com/?a=1&b=[2]#top,", ["https://example.com/?a=1&b=[2]#top"]],
  ["www.example.com/x", ["www.example.com/x"]],
  ["https://exämple.com/straße", ["https://exämple.com/straße"]],
  ["http://localhost:8080/x", ["http://localhost:8080/x"]],
  ["HTTPS://EXAMPLE.COM", ["HTTPS://EXAMPLE.COM"]],
  ["javascript:alert(1) data:text/html,x ftp://example.com", []],
  ["https:// and http://... and www.", []],
  ["<https://example.com>", ["https://example.com"]],
  ["nohttps://example.com", []],
];

for (const [text, expected] of CASES) {
  test(`links in: ${text}`, () => {
    assert.deepEqual(links(text), expected);
    assert.equal(split(text).map((part) => part.text).join(""), text);
  });
}

test("an address without a scheme leads to https", () => {
  assert.equal(split("www.example.com")[0].href, "https://www.example.com/");
});

test("every link leads to http or https", () => {
  for (const [text] of CASES) {
    for (const { href } of split(text)) if (href) assert.match(href, /^https?:\/\//);
  }
});

test("a long run of brackets takes no time", () => {
  const text = `https://example.com/${")".repeat(4000)}`;
  const start = performance.now();
  split(text);
  assert.ok(performance.now() - start < 500);
});
