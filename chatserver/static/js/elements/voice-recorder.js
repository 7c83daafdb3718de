/**
 * <voice-recorder>: records a voice message in the place of the text box: time and level, discard, stop to listen to it
 * first, send. The recording becomes an attachment of the conversation in which it was started, also when another one is
 * opened, so that nothing that was said is lost.
 */

import { attachments } from "../state/attachments.js";
import { timeText } from "../lib/files.js";
import { _ } from "../lib/i18n.js";
import { PEAKS, recordingName, spokenTime } from "../lib/voice.js";
import { Microphone, obstacle } from "../ui/microphone.js";
import { lang } from "../ui/page.js";
import { drawBars } from "../ui/waveform.js";

const LONGEST = 600; // seconds
const INTERVAL = 100; // milliseconds between two measurements of the level
const TOUCH = matchMedia("(hover: none) and (pointer: coarse)"); // focusing the text box would open the keyboard
const CURVE = 0.6; // exponent that makes quiet speech visible

class VoiceRecorder extends HTMLElement {
  #composer = this.closest("message-composer");
  #tray = this.#composer.querySelector("attachment-tray");
  #button = this.#composer.querySelector(".composer-voice");
  #time = this.querySelector(".recorder-time");
  #wave = this.querySelector(".wave");
  #microphone = null;
  #key = null; // of the conversation in which the recording was started
  #isStarting = false;
  #timer = 0;
  #levels = [];

  connectedCallback() {
    this.#button.addEventListener("click", () => this.#start());
    this.querySelector(".recorder-discard").addEventListener("click", () => this.#discard());
    this.querySelector(".recorder-stop").addEventListener("click", () => this.#stop());
    this.querySelector(".recorder-send").addEventListener("click", () => this.#send());
    this.addEventListener("keydown", (event) => this.#pressed(event));
    attachments.addEventListener("attachments:changed", () => this.#key !== null && attachments.key !== this.#key && this.#stop());
    addEventListener("beforeunload", (event) => this.#microphone && event.preventDefault());
  }

  async #start() {
    const problem = obstacle() || this.#tray.obstacle;
    if (problem) return showToast(problem);
    if (this.#isStarting || this.#microphone) return undefined;
    this.#isStarting = true;
    this.#key = attachments.key;
    try {
      this.#begin(await Microphone.open({ maxBytes: attachments.limits.bytes, ended: () => this.#stop() }));
    } catch (error) {
      this.#key = null;
      showToast((REFUSALS[error.name] ?? REFUSALS.NotReadableError)());
    } finally {
      this.#isStarting = false;
    }
    return undefined;
  }

  #begin(microphone) {
    this.#microphone = microphone;
    if (attachments.key !== this.#key || this.#composer.hidden) return this.#discard(); // another conversation was opened meanwhile
    for (const player of document.querySelectorAll("audio, video")) player.pause();
    this.#levels = new Array(PEAKS).fill(0);
    this.#show(true);
    this.#timer = setInterval(() => this.#tick(), INTERVAL);
    this.#tick();
    this.querySelector(".recorder-stop").focus();
    return announce(_("Recording"));
  }

  #tick() {
    const { seconds } = this.#microphone;
    this.#levels = [...this.#levels.slice(1), this.#microphone.measure() ** CURVE];
    drawBars(this.#wave, this.#levels);
    this.#time.textContent = timeText(seconds);
    if (seconds < LONGEST && !this.#composer.hidden) return;
    if (seconds >= LONGEST) showToast(_("A voice message has at most %(num)s minutes.", { num: LONGEST / 60 }));
    this.#stop();
  }

  /** End the recording, and add it to the files of its conversation. Returns whether that is still open. */
  async #stop() {
    const microphone = this.#release();
    if (!microphone) return false;
    const [key, isFocused] = [this.#key, this.contains(document.activeElement)];
    const { content, seconds, wave } = await microphone.stop();
    this.#key = null;
    this.#show(false);
    if (content.size === 0) showToast(_("Nothing was recorded."));
    else attachments.add([{ name: recordingName(content.type, new Date()), content, seconds, wave }], key);
    if (key !== attachments.key) return false;
    if (isFocused) this.#returnFocus();
    announce(_("Recorded: %(time)s", { time: spokenTime(seconds, lang) }));
    return content.size > 0;
  }

  async #send() {
    if (await this.#stop()) this.#composer.querySelector("form").requestSubmit();
  }

  #discard() {
    const microphone = this.#release();
    if (!microphone) return;
    this.#key = null;
    const isFocused = this.contains(document.activeElement);
    this.#show(false);
    microphone.cancel();
    if (isFocused) this.#returnFocus();
    announce(_("Recording discarded"));
  }

  #returnFocus() {
    (TOUCH.matches ? this.#button : this.#composer).focus();
  }

  /** Take the microphone, so that it is stopped once. */
  #release() {
    const microphone = this.#microphone;
    this.#microphone = null;
    clearInterval(this.#timer);
    return microphone;
  }

  #show(isRecording) {
    this.hidden = !isRecording;
    this.#composer.dataset.recording = String(isRecording);
  }

  /** Escape ends a recording, and keeps it: it may be long. */
  #pressed(event) {
    if (event.key !== "Escape") return;
    event.preventDefault();
    this.#stop();
  }
}

const REFUSALS = {
  NotAllowedError: () => _("The browser does not allow the microphone for this page. Allow it in its settings for this site."),
  NotFoundError: () => _("No microphone was found."),
  NotReadableError: () => _("The microphone cannot be used. Another program may be using it."),
};

const showToast = (text) => document.querySelector("toast-line").show(text);
const announce = (text) => document.querySelector("live-announcer").announce(text);

customElements.define("voice-recorder", VoiceRecorder);
