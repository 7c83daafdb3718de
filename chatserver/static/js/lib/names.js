/** Names and avatars of users. An avatar is a letter and one of twelve hues, the same on every device. */

export const HUES = 12;

/** The first character of the name, in upper case. */
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

/** A key that is equal for names that look alike. Covers ASCII; the server sends keys for other names. */
export const look = (name) =>
  name.normalize("NFKC").replace(/\s/g, "").replace(/[1I]/g, "l").replace(/0/g, "o").toLowerCase().replace(/m/g, "rn");

/** The display name of {name, display}, with the user name if the two look different. */
export const labelled = ({ name, display }) => (look(display) === look(name) ? display : withName(display, name));

export const withName = (display, name) => `${display} (@${name})`;

/** The names of users whose display name looks like a name of another user; `users`: [{name, display, look?}]. */
export function namesakes(users) {
  const bearers = new Map(); // look → user names
  const add = (key, name) => bearers.set(key, (bearers.get(key) ?? new Set()).add(name));
  const looks = users.map(({ name, display, look: given }) => ({ name, shown: given ?? look(display) }));
  for (const { name, shown } of looks) {
    add(shown, name);
    add(look(name), name);
  }
  return new Set(looks.filter(({ shown }) => bearers.get(shown).size > 1).map(({ name }) => name));
}
