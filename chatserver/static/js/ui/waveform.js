/** Draws waveforms into the <svg class="wave"> of the templates: bars, and above them the same bars as far as they were played. */

import { barsPath, heightsOf } from "../lib/voice.js";

const BOX = { width: 256, height: 32 }; // the viewBox

/** Draw the waveform of a voice message. */
export const drawWave = (svg, wave) => drawBars(svg, heightsOf(wave));

/** Draw bars of these heights, from 0 to 1. */
export function drawBars(svg, heights) {
  const bars = barsPath(heights, BOX);
  for (const path of svg.querySelectorAll("path")) path.setAttribute("d", bars);
}
