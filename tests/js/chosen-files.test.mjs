import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { checked, nameOf, sentence, unreadableOf } from "../../chatserver/static/js/lib/chosen-files.js";

const LIMITS = { bytes: 3 * 2 ** 20, count: 10 };
const some = (name, size = 1, type = "") => ({ name, size, type });

test("files that cannot be sent are named, with the reason", () => {
  const photo = some("photo.jpg", 9 * 2 ** 20, "image/jpeg");
  const files = [some("none.txt", 0), some("big.iso", 4 * 2 ** 20), some("holiday", 4_096), some("void", 0), some("a"), photo];
  const { accepted, problems } = checked(files, {
    limits: LIMITS, chosen: 0, folders: new Set(["holiday", "a.jpg"]), isScaled: ({ type }) => type === "image/jpeg", lang: "en",
  });
  assert.deepEqual(accepted.map(({ name }) => name), ["a", "photo.jpg"]);
  assert.deepEqual(problems, [
    "holiday is a folder: choose the files in it.",
    "none.txt and void are empty.",
    "big.iso is too large: a file has at most 3 MB.",
  ]);
});

test("the files above the limit of a message are named, or counted if there are many", () => {
  const names = Array.from({ length: 15 }, (_one, number) => `${number}.jpg`);
  const problem = (count) => checked(names.slice(0, count).map((name) => some(name)), { limits: LIMITS, chosen: 1, lang: "en" }).problems.join();
  assert.equal(problem(9), "");
  assert.equal(problem(10), "A message has at most 10 files. Not added: 9.jpg.");
  assert.equal(problem(13), "A message has at most 10 files. Not added: 9.jpg, 10.jpg, 11.jpg, and 12.jpg.");
  assert.equal(problem(15), "A message has at most 10 files. Not added: 9.jpg, 10.jpg, 11.jpg and 3 more.");
  assert.match(checked([some(`${"long".repeat(40)}.jpeg`, 0)], { limits: LIMITS, chosen: 0, lang: "en" }).problems[0], /^(long){5}l…glong\.jpeg is empty\.$/);
});

test("files that cannot be read are found and named", async () => {
  const locked = { slice: () => ({ arrayBuffer: () => Promise.reject(new Error("NotReadableError")) }) };
  const files = [{ name: "a", content: new Blob(["a"]) }, { name: "b", content: locked }];
  const names = (await unreadableOf(files)).map(({ name }) => name);
  assert.equal(sentence("unreadable", names, { limits: LIMITS, lang: "en" }), "b cannot be read.");
});

test("a pasted picture is named after the time", () => {
  const now = new Date(2031, 4, 3, 9, 5, 7);
  assert.equal(nameOf({ name: "image.png", type: "image/png" }, now), "Screenshot 2031-05-03 09.05.07.png");
  assert.equal(nameOf({ name: "", type: "image/jpeg" }, now), "Screenshot 2031-05-03 09.05.07.jpg");
  assert.equal(nameOf({ name: "lake.png", type: "image/png" }, now), "lake.png");
  assert.equal(nameOf({ name: "", type: "text/plain" }, now), "File");
});
