/** Decodes ThumbHash (https://evanw.github.io/thumbhash/): a picture's blurred form in about 25 bytes. */

const LONGER = 32; // pixels of the longer side
const FREQUENCIES = 7; // of one direction, at most

/** {width, height, rgba} of a hash in base64, or null if it is broken. */
export function decodeThumbHash(text) {
  try {
    const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    return bytes.length < 5 ? null : pixels(readHash(bytes));
  } catch {
    return null;
  }
}

/** Constants and frequencies of the channels: lightness, two of colour, opacity. */
function readHash(bytes) {
  const first = bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
  const second = bytes[3] | (bytes[4] << 8);
  const hasAlpha = first >> 23 !== 0;
  const isWide = second >> 15 !== 0;
  const limit = hasAlpha ? 5 : 7;
  const [nx, ny] = isWide ? [limit, second & 7] : [second & 7, limit];
  const next = nibbles(bytes, hasAlpha ? 6 : 5);
  const light = channel((first & 63) / 63, ((first >> 18) & 31) / 31, [Math.max(3, nx), Math.max(3, ny)], next);
  const p = channel(((first >> 6) & 63) / 31.5 - 1, (((second >> 3) & 63) / 63) * 1.25, [3, 3], next);
  const q = channel(((first >> 12) & 63) / 31.5 - 1, (((second >> 9) & 63) / 63) * 1.25, [3, 3], next);
  const alpha = hasAlpha ? channel((bytes[5] & 15) / 15, (bytes[5] >> 4) / 15, [5, 5], next) : null;
  return { channels: [light, p, q, alpha], ratio: nx / ny };
}

function nibbles(bytes, start) {
  let index = 0;
  return () => {
    const byte = bytes[start + (index >> 1)];
    const value = (byte >> ((index & 1) << 2)) & 15;
    index += 1;
    return value;
  };
}

function channel(constant, scale, [nx, ny], next) {
  const frequencies = [];
  for (let cy = 0; cy < ny; cy += 1) {
    for (let cx = cy ? 0 : 1; cx * ny < nx * (ny - cy); cx += 1) frequencies.push({ cx, cy, value: (next() / 7.5 - 1) * scale });
  }
  return { constant, frequencies };
}

function pixels({ channels, ratio }) {
  const width = Math.round(ratio > 1 ? LONGER : LONGER * ratio);
  const height = Math.round(ratio > 1 ? LONGER / ratio : LONGER);
  const [across, down] = [width, height].map(cosines);
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let y = 0, at = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, at += 4) {
      const [l, p, q, a] = channels.map((one) => one && level(one, across[x], down[y]));
      rgba.set(colour(l, p, q, a), at);
    }
  }
  return { width, height, rgba };
}

/** The cosine of each frequency at each position: a picture needs a thousand times as many. */
function cosines(size) {
  const position = (index) => Array.from({ length: FREQUENCIES }, (_, n) => Math.cos((Math.PI / size) * (index + 0.5) * n));
  return Array.from({ length: size }, (_, index) => position(index));
}

function level({ constant, frequencies }, across, down) {
  let sum = constant;
  for (const { cx, cy, value } of frequencies) sum += 2 * value * across[cx] * down[cy];
  return sum;
}

function colour(l, p, q, a) {
  const blue = l - (2 / 3) * p;
  const red = (3 * l - blue + q) / 2;
  return [red, red - q, blue, a ?? 1].map((value) => value * 255);
}
