/** Client ids: 132 random bits as 22 characters. `crypto.randomUUID` is missing on plain http. */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const LENGTH = 22; // 22 × 6 bits

export function newId(random = (bytes) => globalThis.crypto.getRandomValues(bytes)) {
  return Array.from(random(new Uint8Array(LENGTH)), (byte) => ALPHABET[byte & 63]).join("");
}
