/** Compare what a user types with the pinyin of Chinese names: `lilei`, `ll` and `li l` match 李雷. */

const HAN = /\p{Script=Han}/u;
const LATIN = /^[a-z' ]+$/;
const INITIAL = /^(?:[zcs]h|[a-z])/;

let readings = new Map(); // character → its syllables

/** Set the table {syllable: characters}. Until then nothing matches. */
export function setReadings(syllables) {
  const found = new Map();
  for (const [syllable, characters] of Object.entries(syllables)) {
    for (const character of characters) found.set(character, [...(found.get(character) ?? []), ...spellings(syllable)]);
  }
  readings = found;
}

/** The letter ü is typed as v, or as u, as passports have it. */
const spellings = (syllable) => (syllable.includes("v") ? [syllable, syllable.replace("v", "u")] : [syllable]);

/** Whether the table is needed to compare `query` with one of `texts`. */
export const needsReadings = (query, texts) => readings.size === 0 && LATIN.test(query) && texts.some((text) => HAN.test(text));

/** The position of the first character from which on `text` is spelled by `query`, or -1. */
export function spelledAt(text, query) {
  if (!LATIN.test(query) || !HAN.test(text)) return -1;
  const letters = query.replaceAll(/[' ]/g, "");
  const characters = Array.from(text.toLowerCase()).filter((one) => one !== " ");
  return characters.findIndex((one, index) => readings.has(one) && isSpelled(characters, index, letters));
}

/** Each character by a whole syllable or its initial, the last one by any beginning. */
function isSpelled(characters, index, letters) {
  if (letters === "") return true;
  if (index === characters.length) return false;
  const syllables = readings.get(characters[index]) ?? [characters[index]];
  return syllables.some(
    (syllable) =>
      syllable.startsWith(letters) ||
      [...new Set([syllable, INITIAL.exec(syllable)?.[0] ?? syllable, syllable[0]])].some(
        (part) => letters.startsWith(part) && isSpelled(characters, index + 1, letters.slice(part.length)),
      ),
  );
}
