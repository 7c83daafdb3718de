/** localStorage that never throws: some browsers forbid it, and it can be full. */

import { scope } from "./page.js";

const full = (name) => `chat:${scope}:${name}`;

export function recall(name) {
  try {
    return localStorage.getItem(full(name));
  } catch {
    return null;
  }
}

/** Keeps `value`; an empty one is forgotten. */
export function keep(name, value) {
  try {
    if (value) localStorage.setItem(full(name), value);
    else localStorage.removeItem(full(name));
  } catch {
    // Then it does not survive a reload.
  }
}

/** The full names that start with `prefix`. */
export function names(prefix) {
  try {
    return Object.keys(localStorage).filter((name) => name.startsWith(full(prefix)));
  } catch {
    return []; // Nothing was kept.
  }
}

/** Forgets everything whose name starts with `prefix`. */
export function forget(prefix) {
  for (const name of names(prefix)) localStorage.removeItem(name);
}
