/** How a person looks without a picture: a letter and one of twelve hues, the same on every device. */

export const HUES = 12;

/** The first letter of the name, upper case; an ideograph or an emoji as it is. */
export function initial(display) {
  const [first = "?"] = Array.from(display.trim());
  return first.toLocaleUpperCase();
}

/** 0 … 11, from the user name. */
export function hue(name) {
  let hash = 7;
  for (const letter of name) hash = (Math.imul(hash, 33) + letter.codePointAt(0)) >>> 0;
  return hash % HUES;
}
