/** Shows the blurred form of a picture (ThumbHash) below it until it is loaded. */

import { decodeThumbHash } from "../lib/thumbhash.js";

export function showBlur(link, image, blur) {
  const decoded = image.complete && image.naturalWidth ? null : decodeThumbHash(blur);
  if (!decoded) return;
  const canvas = document.createElement("canvas");
  canvas.width = decoded.width;
  canvas.height = decoded.height;
  canvas.getContext("2d").putImageData(new ImageData(decoded.rgba, decoded.width), 0, 0);
  link.prepend(canvas);
  image.addEventListener("load", () => canvas.remove(), { once: true });
}
