/** Shows the blurred form of a picture (ThumbHash) below it until it is loaded. */

import { decodeThumbHash } from "../lib/thumbhash.js";

export function showBlur(link, image, blur) {
  const canvas = image.complete && image.naturalWidth ? null : draw(blur);
  if (!canvas) return;
  link.prepend(canvas);
  image.addEventListener("load", () => canvas.remove(), { once: true });
}

/** The blurred form as a URL, or null. */
export const blurUrl = (blur) => draw(blur)?.toDataURL() ?? null;

function draw(blur) {
  const decoded = blur ? decodeThumbHash(blur) : null;
  if (!decoded) return null;
  const canvas = document.createElement("canvas");
  canvas.width = decoded.width;
  canvas.height = decoded.height;
  canvas.getContext("2d").putImageData(new ImageData(decoded.rgba, decoded.width), 0, 0);
  return canvas;
}
