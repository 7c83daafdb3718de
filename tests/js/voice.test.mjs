import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { pendingFiles, reloaded } from "../../chatserver/static/js/lib/outbox-files.js";
import { barsPath, heightsOf, PEAKS, recordingName, spokenTime, waveOf } from "../../chatserver/static/js/lib/voice.js";
import { Attachments } from "../../chatserver/static/js/state/attachments.js";

const WAVE = /^[A-Za-z0-9_-]{64}$/;

test("a waveform has the loudest sample of each part, relative to the loudest of all", () => {
  const samples = new Float32Array(6_400);
  samples[50] = -0.25; // in the first part
  samples[6_399] = 0.5; // in the last
  const wave = waveOf(samples);
  assert.equal(wave, `g${"A".repeat(62)}_`);
  assert.deepEqual([heightsOf(wave)[0], heightsOf(wave)[1], heightsOf(wave)[63]], [32 / 63, 0, 1]);
});

test("silence is not made louder, and no samples are silence", () => {
  const quiet = heightsOf(waveOf(new Float32Array(1_000).fill(0.002)));
  assert.ok(Math.max(...quiet) < 0.1);
  for (const none of [[], [Number.NaN], new Float32Array(3)]) assert.equal(waveOf(none), "A".repeat(PEAKS));
});

test("a recording of any length has 64 peaks", () => {
  for (const length of [1, 5, 63, 64, 65, 1_000]) {
    const wave = waveOf(Array.from({ length }, () => 1));
    assert.match(wave, WAVE);
    assert.equal(wave.at(-1), "_");
  }
});

test("an unknown waveform is drawn as silence", () => {
  for (const wave of [undefined, "", "*".repeat(64)]) assert.deepEqual(heightsOf(wave), new Array(PEAKS).fill(0));
});

test("bars are centred, and silence is visible", () => {
  assert.equal(barsPath([1, 0], { width: 20, height: 10 }), "M5 0v10M15 4.6v0.8");
});

test("screen readers read durations in words", () => {
  assert.deepEqual([0, 1, 59.9, 60, 67].map((seconds) => spokenTime(seconds, "en")), ["0 seconds", "1 second", "59 seconds", "1 minute", "1 minute 7 seconds"]);
  assert.equal(spokenTime(67, "zh-CN"), "1分钟7秒钟");
});

test("a recording is named after its time and its format", () => {
  const now = new Date(2031, 4, 3, 9, 5, 7);
  assert.equal(recordingName("audio/mp4", now), "Voice message 2031-05-03 09.05.07.m4a");
  assert.equal(recordingName("audio/webm", now), "Voice message 2031-05-03 09.05.07.webm");
});

test("a recording belongs to the conversation in which it was made, and keeps its waveform until it is sent", () => {
  URL.createObjectURL = () => "blob:1";
  const attachments = new Attachments();
  attachments.limits = { bytes: 9, count: 1 };
  attachments.open("#7");
  attachments.open("#8");
  const content = { type: "audio/webm", size: 3 };
  attachments.add([{ name: "a.webm", content, seconds: 7.4, wave: "A".repeat(64) }], "#7");
  assert.deepEqual(attachments.shown, []);
  const [file] = attachments.removeAll("#7");
  assert.deepEqual([file.type, file.bytes, file.alt, file.preview], ["audio/webm", 3, "", "blob:1"]);
  const [shown] = pendingFiles(reloaded({ files: [file] }).files);
  assert.deepEqual([shown.seconds, shown.wave, shown.state], [7.4, "A".repeat(64), "pending"]);
});
