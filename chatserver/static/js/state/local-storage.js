/** localStorage that never throws. What a browser does not store, because it is forbidden or full, is in memory. */

import { scope } from "../ui/page.js";

const full = (name) => `chat:${scope}:${name}`;
const memory = new Map(); // full name → the value that is not stored

export function getItem(name) {
  if (memory.has(full(name))) return memory.get(full(name));
  try {
    return localStorage.getItem(full(name));
  } catch {
    return null;
  }
}

/** Keeps `value`; an empty one is forgotten. */
export function setItem(name, value) {
  memory.delete(full(name));
  try {
    if (value) localStorage.setItem(full(name), value);
    else localStorage.removeItem(full(name));
  } catch {
    memory.set(full(name), value || null);
  }
}

/** The full names that start with `prefix`. */
export function itemNames(prefix) {
  return [...new Set([...stored(prefix), ...unsavedNames(prefix)])];
}

/** The full names that start with `prefix` and whose value a reload loses. */
export function unsavedNames(prefix) {
  return [...memory].filter(([name, value]) => value && name.startsWith(full(prefix))).map(([name]) => name);
}

/** Forgets everything whose name starts with `prefix`. */
export function removeItems(prefix) {
  for (const name of unsavedNames(prefix)) memory.delete(name);
  for (const name of stored(prefix)) localStorage.removeItem(name);
}

function stored(prefix) {
  try {
    return Object.keys(localStorage).filter((name) => name.startsWith(full(prefix)));
  } catch {
    return [];
  }
}
