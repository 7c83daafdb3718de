/** Reads text files in parts, by range requests. */

import { rangeRequest } from "./api.js";

const CONTROLS = /[^\P{Cc}\n\t]/gu; // control characters without a meaning in plain text

/** A reader of the text file of `size` bytes at `url`. */
export function textReader(url, size) {
  const decoder = new TextDecoder(); // keeps the beginning of a character whose end is in the next part
  let start = 0;
  return {
    /** Whether all of it was read. */
    get isAtEnd() {
      return start >= size;
    },
    /** The text of the next `most` bytes. Throws RequestError; then it can be called again. */
    async next(most) {
      const content = await rangeRequest(url, { start, count: Math.min(most, size - start), size });
      start += content.byteLength;
      return decoder.decode(content, { stream: start < size }).replace(CONTROLS, "");
    },
  };
}
