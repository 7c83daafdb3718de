/** Records the microphone, and measures how loud it is. */

import { _ } from "../lib/i18n.js";
import { waveOf } from "../lib/voice.js";

const FORMATS = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"]; // Safari has the second
const BITS_PER_SECOND = 48_000;
const SLICE = 1_000; // milliseconds of a piece
const SPARE = 2 * SLICE * (BITS_PER_SECOND / 8_000); // bytes that may arrive after the limit is noticed
const DECODED_RATE = 8_000; // samples per second: enough for the waveform, and ten minutes of them fit into 20 MB
const WINDOW = 4_096; // samples that are measured at a time

/** Why no voice messages can be recorded, or "". */
export function obstacle() {
  if (!isSecureContext) return _("Voice messages cannot be recorded: browsers allow the microphone only over https.");
  const isAble = navigator.mediaDevices?.getUserMedia && globalThis.MediaRecorder && FORMATS.some(isSupported);
  return isAble ? "" : _("Voice messages cannot be recorded: this browser does not support it.");
}

const isSupported = (format) => MediaRecorder.isTypeSupported(format);

/** A recording. It ends by itself when the microphone is unplugged or `maxBytes` are reached. */
export class Microphone {
  #stream;
  #recorder;
  #pieces = [];
  #levels = [];
  #context = new AudioContext();
  #analyser = this.#context.createAnalyser();
  #samples = new Float32Array(WINDOW);
  #start = performance.now();
  #end = null;

  /** Ask for the microphone, and record. `ended()`: it has ended by itself. Rejects with a DOMException. */
  static async open({ maxBytes, ended }) {
    const sound = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    const stream = await navigator.mediaDevices.getUserMedia({ audio: sound });
    try {
      return new Microphone(stream, { maxBytes, ended });
    } catch (error) {
      release(stream);
      throw error;
    }
  }

  constructor(stream, { maxBytes, ended }) {
    this.#stream = stream;
    this.#recorder = new MediaRecorder(stream, { mimeType: FORMATS.find(isSupported), audioBitsPerSecond: BITS_PER_SECOND });
    this.#recorder.addEventListener("dataavailable", ({ data }) => {
      this.#pieces.push(data);
      if (this.#recorder.state === "recording" && this.#bytes > maxBytes - SPARE) ended();
    });
    for (const name of ["error", "stop"]) this.#recorder.addEventListener(name, () => this.#end === null && ended());
    this.#analyser.fftSize = WINDOW;
    this.#context.createMediaStreamSource(stream).connect(this.#analyser);
    this.#context.resume(); // browsers may start it suspended
    this.#recorder.start(SLICE);
  }

  get #bytes() {
    return this.#pieces.reduce((sum, { size }) => sum + size, 0);
  }

  get seconds() {
    return ((this.#end ?? performance.now()) - this.#start) / 1000;
  }

  /** How loud it is now, from 0 to 1. */
  measure() {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const level = this.#samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0);
    this.#levels.push(level);
    return level;
  }

  /** End the recording, and return {content, seconds, wave}; `content` is a Blob, empty if nothing was recorded. */
  async stop() {
    await this.#close();
    const content = new Blob(this.#pieces, { type: this.#recorder.mimeType.split(";")[0] });
    const { seconds, samples } = await decoded(content).catch(() => ({ seconds: this.seconds, samples: this.#levels }));
    return { content, seconds: Math.max(0.01, Math.round(seconds * 100) / 100), wave: waveOf(samples) };
  }

  /** End the recording, and drop it. */
  cancel() {
    return this.#close();
  }

  async #close() {
    this.#end ??= performance.now();
    const stopped = new Promise((resolve) => this.#recorder.addEventListener("stop", resolve, { once: true }));
    const isActive = this.#recorder.state !== "inactive";
    if (isActive) this.#recorder.stop();
    if (isActive) await stopped; // after the last piece
    release(this.#stream);
    await this.#context.close().catch(() => {}); // it is closed already
  }
}

/** Close the microphone, which the browser shows to the user as open. */
function release(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/** Duration and samples of a recording. Rejects if the browser cannot decode it. */
async function decoded(content) {
  const context = new OfflineAudioContext(1, 1, DECODED_RATE);
  const sound = await context.decodeAudioData(await content.arrayBuffer());
  return { seconds: sound.duration, samples: sound.getChannelData(0) };
}
