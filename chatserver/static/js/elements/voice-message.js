/**
 * <voice-message>: a player: play and pause, a waveform to seek in, speed. Its <audio> loads nothing
 * before it is played. One sound or video plays at a time; after a voice message the next one of the same sender follows.
 */

import { timeText } from "../lib/files.js";
import { _ } from "../lib/i18n.js";
import { spokenTime } from "../lib/voice.js";
import { lang } from "../ui/page.js";
import { drawWave } from "../ui/waveform.js";
import { local } from "../state/local-storage.js";

const SPEEDS = [1, 1.5, 2];
const SPEED = "voice-speed"; // name of the stored choice
const STEPS = 20; // presses of an arrow key from the start to the end, at least a second each
const PAGES = 5; // presses of Page Up

const speed = () => SPEEDS.find((one) => String(one) === local.get(SPEED)) ?? 1;

document.addEventListener("play", ({ target }) => {
  for (const other of document.querySelectorAll("audio, video")) if (other !== target) other.pause();
}, { capture: true });

class VoiceMessage extends HTMLElement {
  #audio = this.querySelector("audio");
  #button = this.querySelector(".voice-play");
  #slider = this.querySelector(".voice-slider");
  #speed = this.querySelector(".voice-speed");
  #seconds = 0; // as the sender has given them
  #shown = ""; // the seconds that are shown

  /** Show {seconds, wave} at `url`; `download`: the URL that saves it, if it is sent. Called once. */
  show({ seconds, wave }, { url, download = "" }) {
    this.#seconds = seconds;
    this.#audio.src = url;
    if (download) this.querySelector(".file-download").href = download;
    else this.querySelector(".file-download").remove();
    drawWave(this.querySelector(".wave"), wave);
    this.setAttribute("aria-label", _("Voice message, %(time)s", { time: spokenTime(seconds, lang) }));
    this.#button.addEventListener("click", () => this.#toggle());
    this.#speed.addEventListener("click", () => this.#nextSpeed());
    this.#listenToSlider();
    this.#listenToAudio();
    this.showSpeed();
    this.#showState("paused");
    this.#showPosition();
  }

  /** The end of a recording is unknown to browsers until they have loaded it: then the sender's value counts. */
  get #duration() {
    return Number.isFinite(this.#audio.duration) ? this.#audio.duration : this.#seconds;
  }

  #listenToAudio() {
    const listen = (name, action) => this.#audio.addEventListener(name, action);
    listen("play", () => this.#showState("loading"));
    listen("waiting", () => this.#showState("loading"));
    listen("playing", () => this.#showState("playing"));
    listen("pause", () => this.#showState("paused"));
    for (const name of ["seeked", "durationchange"]) listen(name, () => this.#showPosition());
    listen("playing", () => this.#follow());
    listen("ended", () => this.#ended());
    listen("error", () => this.#failed());
  }

  #toggle() {
    if (this.#audio.paused) this.play();
    else this.#audio.pause();
  }

  play() {
    if (this.#audio.error) this.#audio.load(); // the connection may be back
    this.#audio.defaultPlaybackRate = this.#audio.playbackRate = speed();
    this.#audio.play().catch(() => this.#showState("paused")); // it was paused at once, or `error` reports it
  }

  /** Show the position in every frame while it plays. */
  #follow() {
    this.#showPosition();
    if (!this.#audio.paused) requestAnimationFrame(() => this.#follow());
  }

  #ended() {
    this.#audio.currentTime = 0;
    const { user } = this.closest("chat-message")?.dataset ?? {};
    const all = [...document.querySelectorAll("chat-message voice-message")];
    const next = user && all.slice(all.indexOf(this) + 1).find((one) => one.closest("chat-message").dataset.user === user);
    if (next) next.play();
  }

  #failed() {
    this.#showState("paused");
    document.querySelector("toast-line").show(_("This voice message cannot be played."));
  }

  /** "paused", "loading" or "playing". */
  #showState(state) {
    const label = state === "paused" ? _("Play") : _("Pause");
    this.dataset.state = state;
    this.#button.setAttribute("aria-label", label);
    this.#button.title = label;
  }

  #showPosition() {
    const duration = this.#duration;
    const now = Math.min(duration, this.#audio.currentTime);
    this.style.setProperty("--played", now / duration);
    const shown = `${now > 0 ? Math.floor(now) : ""}/${Math.floor(duration)}`;
    if (shown !== this.#shown) this.#showTime(now, duration);
    this.#shown = shown;
  }

  #showTime(now, duration) {
    this.querySelector(".voice-now").textContent = timeText(now > 0 ? now : duration);
    this.querySelector(".voice-total").textContent = now > 0 ? ` / ${timeText(duration)}` : "";
    this.#slider.ariaValueMax = Math.round(duration);
    this.#slider.ariaValueNow = Math.round(now);
    this.#slider.ariaValueText = _("%(time)s of %(total)s", { time: spokenTime(now, lang), total: spokenTime(duration, lang) });
  }

  // Seeking --------------------------------------------------------------------------------------

  #listenToSlider() {
    const seek = ({ clientX }) => {
      const { left, width } = this.#slider.getBoundingClientRect();
      this.#seek(((clientX - left) / width) * this.#duration);
    };
    this.#slider.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.#slider.setPointerCapture(event.pointerId);
      seek(event);
    });
    this.#slider.addEventListener("pointermove", (event) => this.#slider.hasPointerCapture(event.pointerId) && seek(event));
    this.#slider.addEventListener("keydown", (event) => this.#pressed(event));
  }

  #pressed(event) {
    const duration = this.#duration;
    const step = Math.max(1, duration / STEPS);
    const now = this.#audio.currentTime;
    const targets = {
      ArrowLeft: now - step,
      ArrowDown: now - step,
      ArrowRight: now + step,
      ArrowUp: now + step,
      PageDown: now - duration / PAGES,
      PageUp: now + duration / PAGES,
      Home: 0,
      End: duration,
    };
    if (!(event.key in targets) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation(); // in the list they move between messages
    this.#seek(targets[event.key]);
  }

  #seek(seconds) {
    this.#audio.currentTime = Math.max(0, Math.min(this.#duration, seconds));
    this.#showPosition();
  }

  // Speed ----------------------------------------------------------------------------------------

  #nextSpeed() {
    const next = SPEEDS[(SPEEDS.indexOf(speed()) + 1) % SPEEDS.length];
    local.set(SPEED, String(next));
    for (const one of document.querySelectorAll("voice-message")) one.showSpeed();
  }

  /** Use the chosen speed. */
  showSpeed() {
    const number = new Intl.NumberFormat(lang).format(speed());
    this.#audio.playbackRate = speed();
    this.#speed.textContent = `${number}×`;
    this.#speed.setAttribute("aria-label", _("Speed %(number)s×", { number }));
  }
}

customElements.define("voice-message", VoiceMessage);
