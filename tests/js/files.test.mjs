import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { applied } from "../../chatserver/static/js/lib/apply.js";
import { altOf, boxOf, endingOf, keepsMetadata, kindOf, sampleLines, sizeText, summaryOf, timeText } from "../../chatserver/static/js/lib/files.js";
import { plainText } from "../../chatserver/static/js/lib/markup.js";
import { decodeThumbHash } from "../../chatserver/static/js/lib/thumbhash.js";
import { stored } from "../../chatserver/static/js/lib/view.js";
import { Type } from "../../chatserver/static/js/net/protocol.js";

const picture = { id: "p", name: "lake.jpg", type: "image/jpeg", bytes: 1, width: 2000, height: 1000 };
const paper = { id: "d", name: "plan.pdf", type: "application/pdf", bytes: 1 };

test("only what the server sends with its type is shown in place", () => {
  const kinds = [picture, { type: "image/heic" }, { type: "video/mp4" }, { type: "video/quicktime" }, { type: "audio/mpeg" }, paper, { type: "text/plain" }, { ...picture, removed: true }];
  assert.deepEqual(kinds.map(kindOf), ["picture", "other", "video", "other", "audio", "other", "text", "removed"]);
});

test("sound with a duration and a waveform is a voice message", () => {
  const sound = { type: "audio/webm", seconds: 7.4, wave: "A".repeat(64) };
  const others = [{ ...sound, wave: undefined }, { ...sound, seconds: undefined }, { ...sound, type: "video/webm" }];
  assert.deepEqual([sound, ...others].map(kindOf), ["voice", "audio", "audio", "video"]);
  assert.equal(summaryOf([sound]), "Voice message (0:07)");
});

test("durations are shown as on a clock", () => {
  assert.deepEqual([0, 7.9, 67, 600, 3_607, -1].map(timeText), ["0:00", "0:07", "1:07", "10:00", "1:00:07", "0:00"]);
});

test("the box of a picture has its proportions, unless it is very long, and is never larger", () => {
  assert.deepEqual(boxOf(picture), { width: 420, height: 210 });
  assert.deepEqual(boxOf({ width: 500, height: 5000 }), { width: 107, height: 320 });
  assert.deepEqual(boxOf({ width: 200, height: 100 }), { width: 200, height: 100 });
});

test("the sample of a text file has room for at most eight lines", () => {
  assert.deepEqual([1, 12, 13, 60, 10_000].map(sampleLines), [1, 1, 2, 5, 8]);
});

test("sizes have the units of the limits: 100 MB are 100 times 1,024 kB", () => {
  assert.equal(sizeText(100 * 2 ** 20, "en"), "100 MB");
});

test("sizes, endings and alternative texts", () => {
  assert.deepEqual([0, 999, 14_000, 1_640_000, 2_100_000_000].map((n) => sizeText(n, "en")), ["0 bytes", "999 bytes", "14 kB", "1.6 MB", "2 GB"]);
  assert.deepEqual(["a.pdf", ".profile", "a.b.tar.gz", "费用.CSV", "none"].map(endingOf), ["PDF", "", "GZ", "CSV", ""]);
  assert.deepEqual([altOf(picture), altOf({ ...picture, alt: "a lake" })], ["Picture: lake.jpg", "a lake"]);
});

test("TIFF and raw photos keep their metadata", () => {
  const raw = "tif tiff dng cr2 cr3 nef arw orf raf rw2".split(" ").map((ending) => ({ name: `IMG_1.${ending}` }));
  assert.ok(raw.every(keepsMetadata));
  assert.ok(keepsMetadata({ name: "IMG_1.DNG" }));
  assert.deepEqual(["lake.jpg", "a.heic", "dng", "a.dng.zip", "x.raw2"].filter((name) => keepsMetadata({ name })), []);
});

test("a message without text is summarized by its files", () => {
  assert.equal(plainText({ data: "", files: [paper] }), "plan.pdf");
  assert.equal(plainText({ data: "see", files: [paper] }), "see");
  assert.equal(summaryOf([picture, picture]), "2 pictures");
  assert.equal(summaryOf([picture, paper]), "2 files");
  assert.equal(summaryOf([{ ...paper, name: "", removed: true }]), "File deleted by an administrator");
  assert.equal(summaryOf(undefined), "");
});

test("an edit replaces the files of a message, and a deletion removes them", () => {
  const message = { type: Type.GROUP_CHAT, seq: 1, user: "bo", data: "x", at: 1, files: [picture, paper] };
  const edited = applied(message, { type: Type.EDIT, data: "y", files: [paper], at: 2 });
  assert.deepEqual(stored(edited, "ann").files, [paper]);
  assert.deepEqual(stored(applied(edited, { type: Type.EDIT, data: "y", at: 3 }), "ann").files, []);
  assert.deepEqual(stored(applied(message, { type: Type.DELETE, at: 2 }), "ann").files, []);
});

test("a message whose file an administrator deleted is not shown as edited", () => {
  const message = { type: Type.GROUP_CHAT, seq: 1, user: "bo", data: "x", at: 1, files: [paper] };
  assert.ok(stored(applied(message, { type: Type.EDIT, data: "y", files: [paper], at: 2 }), "ann").edited);
  assert.ok(!stored(applied(message, { type: Type.EDIT, data: "x", files: [{ ...paper, name: "", removed: true }], at: 2 }), "ann").edited);
});

test("a ThumbHash is decoded to a small picture of the same proportions", () => {
  const { width, height, rgba } = decodeThumbHash("2ZYCpaJPKF6CiIiEiKiIh4+I+Ih4"); // by the server: red on the left, blue on the right
  assert.deepEqual([width, height, rgba.length], [32, 23, 32 * 23 * 4]);
  const [red, , blue, alpha] = rgba.slice(8 * 4, 9 * 4);
  assert.ok(red > 200 && blue < 60 && alpha === 255);
  assert.ok(rgba[24 * 4] < 60 && rgba[24 * 4 + 2] > 200);
  for (const broken of ["", "AA", "***"]) assert.equal(decodeThumbHash(broken), null);
});
