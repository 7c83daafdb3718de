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

/** What a name looks like: equal for two that cannot be told apart. The server adds what no ASCII name needs. */
export const look = (name) =>
  name.normalize("NFKC").replace(/\s/g, "").replace(/[1I]/g, "l").replace(/0/g, "o").toLowerCase().replace(/m/g, "rn");

/** The display name of {name, display}, with the user name where that is another word. */
export const labelled = ({ name, display }) => (look(display) === look(name) ? display : withName(display, name));

export const withName = (display, name) => `${display} (@${name})`;

/** The user names of those whose display name looks like a name of somebody else; `people`: [{name, display, look?}]. */
export function namesakes(people) {
  const bearers = new Map(); // look → user names
  const add = (key, name) => bearers.set(key, (bearers.get(key) ?? new Set()).add(name));
  const looks = people.map(({ name, display, look: given }) => ({ name, shown: given ?? look(display) }));
  for (const { name, shown } of looks) {
    add(shown, name);
    add(look(name), name);
  }
  return new Set(looks.filter(({ shown }) => bearers.get(shown).size > 1).map(({ name }) => name));
}
