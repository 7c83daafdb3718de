import "./setup.mjs";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { excerpt, fileTerms, hasHit, highlighted, searchTerms, withLobbyName, withLocalDays } from "../../chatserver/static/js/lib/search.js";

const CASES = JSON.parse(readFileSync(new URL("../text-cases/search.json", import.meta.url), "utf8"));
const hits = (text, query) => highlighted(text, searchTerms(query)).filter(({ hit }) => hit).map((part) => part.text);

test("the marked words are those that the server finds", () => {
  for (const { query, text, marks } of CASES) assert.deepEqual(hits(text, query), marks, `${query} in ${text}`);
});

test("any text is a valid query", () => {
  for (let code = 0x20; code < 0x250; code += 1) {
    const sign = String.fromCodePoint(code);
    for (const query of [sign, `a${sign}b`, `${sign}*`, `"${sign}`, `[${sign}`, `\\${sign}`]) highlighted("a b", searchTerms(query));
  }
});

test("words are marked whole and regardless of case, Chinese text anywhere", () => {
  assert.deepEqual(hits("Disk, disks and DISK", "disk"), ["Disk", "DISK"]);
  assert.deepEqual(hits("第三块硬盘又报错了", "硬盘 报错"), ["硬盘", "报错"]);
  assert.deepEqual(hits("换disk吧", "disk"), ["disk"]);
  assert.deepEqual(hits("Zürich Zür", "zür"), ["Zür"]);
});

test("phrases, prefixes and symbols are marked", () => {
  assert.deepEqual(hits("two  words, words two", '"two words"'), ["two  words"]);
  assert.deepEqual(hits("begin beginning rebegin", "begin*"), ["begin", "begin"]);
  assert.deepEqual(hits("costs $5 (five)", "$5 (five)"), ["$5", "(five)"]);
});

test("filters are not marked, and a query of only filters marks nothing", () => {
  assert.equal(searchTerms("from:ann in:lobby before:2031-05-03"), null);
  assert.deepEqual(hits("ann said in lobby", "from:ann said"), ["said"]);
  assert.equal(searchTerms(""), null);
});

test("in names of files, the word of filename: is marked from the beginning of a word", () => {
  const marked = (name, query) => highlighted(name, fileTerms(query)).filter(({ hit }) => hit).map((part) => part.text);
  assert.equal(searchTerms("has:image filename:rep"), null);
  assert.equal(fileTerms("has:image from:ann filename:"), null);
  assert.deepEqual(marked("Report_2026 preport.pdf", "filename:rep has:file"), ["Rep"]);
  assert.deepEqual(marked("年度 report plan.pdf", 'plan filename:"年度 rep"'), ["年度 rep", "plan"]);
  assert.ok(hasHit("plan.pdf", fileTerms("filename:.PDF")));
  assert.ok(!hasHit("", fileTerms("plan")));
  assert.ok(!hasHit("planned.pdf", searchTerms("plan")));
  assert.ok(!hasHit("plan.pdf", null));
});

test("the parts join to the text", () => {
  const text = "one two one";
  assert.equal(highlighted(text, searchTerms("one")).map((part) => part.text).join(""), text);
  assert.deepEqual(highlighted(text, null), [{ text, hit: false }]);
});

test("an excerpt of a long text shows the first hit and does not split characters", () => {
  const text = `${"😀 ".repeat(200)}disk${" and more".repeat(90)}`;
  const shown = excerpt(text, searchTerms("disk"));
  assert.ok(shown.startsWith("…") && shown.endsWith("…"));
  assert.ok(shown.includes("disk"));
  assert.ok(shown.isWellFormed?.() ?? true);
  assert.equal(excerpt("short\ntext", searchTerms("text")), "short text");
});

test("days of before: and after: are in the reader's time zone", () => {
  const start = new Date(2031, 4, 3).toISOString();
  assert.equal(withLocalDays("disk after:2031-05-03 x"), `disk after:${start} x`);
  assert.equal(withLocalDays("Before:2031-05-03"), `Before:${start}`);
  for (const query of ["after:2031-13-40", '"after:2031-05-03"', "after:2031-05-03T10:00", "hereafter"]) {
    assert.equal(withLocalDays(query), query);
  }
});

test("in: accepts the lobby's name in the reader's language", () => {
  const resolved = (query) => withLobbyName(query, { word: "大厅", name: "lobby" });
  for (const query of ["in:大厅", "in:#大厅", 'in:"大厅"', "IN：大厅"]) {
    assert.equal(resolved(`${query} 你好`), "in:lobby 你好");
  }
  for (const query of ["in:大厅里", "大厅", '"说 in:大厅"', "begin:大厅", "in:plans"]) {
    assert.equal(resolved(query), query);
  }
});
