/** localStorage that never throws. Values that the browser cannot store are kept in memory. */

import { scope } from "../ui/page.js";

const fullName = (name) => `chat:${scope}:${name}`;
const memory = new Map(); // full name → the value that is not stored

export function getItem(name) {
  if (memory.has(fullName(name))) return memory.get(fullName(name));
  try {
    return localStorage.getItem(fullName(name));
  } catch {
    return null;
  }
}

/** Store `value`; an empty value removes the item. */
export function setItem(name, value) {
  memory.delete(fullName(name));
  try {
    if (value) localStorage.setItem(fullName(name), value);
    else localStorage.removeItem(fullName(name));
  } catch {
    memory.set(fullName(name), value || null);
  }
}

/** The full names that start with `prefix`. */
export function itemNames(prefix) {
  return [...new Set([...stored(prefix), ...unsavedNames(prefix)])];
}

/** The full names that start with `prefix` and whose values exist in memory only. */
export function unsavedNames(prefix) {
  return [...memory].filter(([name, value]) => value && name.startsWith(fullName(prefix))).map(([name]) => name);
}

/** Remove all items whose names start with `prefix`. */
export function removeItems(prefix) {
  for (const name of unsavedNames(prefix)) memory.delete(name);
  for (const name of stored(prefix)) localStorage.removeItem(name);
}

function stored(prefix) {
  try {
    return Object.keys(localStorage).filter((name) => name.startsWith(fullName(prefix)));
  } catch {
    return [];
  }
}
