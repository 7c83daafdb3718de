/** Scales large photos before they are uploaded, which also removes the place where they were taken. */

import { isLong } from "../lib/files.js";

const LONGER = 2560; // pixels of the longer side
const QUALITY = 0.85;
const PHOTOS = new Set(["image/jpeg", "image/webp", "image/heic"]);

/** Whether a file is scaled unless the user wants the original. */
export const isScaled = ({ type, width = 0, height = 0 }) => PHOTOS.has(type) && scaleOf({ width, height }) < 1;

/** The content to upload: a smaller picture, or `content` itself. A picture that became a JPEG gets another name. */
export async function scaled(file, content) {
  const isSmall = file.width && !isScaled(file); // the size is unknown if it was sent before its preview was loaded
  if (file.original || isSmall || !PHOTOS.has(file.type)) return content;
  try {
    const smaller = await draw(content);
    if (!smaller || smaller.size >= content.size) return content;
    if (file.type !== "image/jpeg") file.name = `${file.name.replace(/\.\w+$/, "")}.jpg`;
    Object.assign(file, { type: "image/jpeg" });
    return smaller;
  } catch {
    return content; // the browser cannot read it
  }
}

const scaleOf = ({ width, height }) => (isLong({ width, height }) ? 1 : Math.min(1, LONGER / Math.max(width, height)));

/** A smaller picture as a Blob, or null if it is not large. */
async function draw(content) {
  const picture = await createImageBitmap(content);
  const scale = scaleOf(picture);
  if (scale === 1) return null;
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
}
