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

/** Forgets everything whose name starts with `prefix`. */
export function forget(prefix) {
  try {
    for (const name of Object.keys(localStorage)) {
      if (name.startsWith(full(prefix))) localStorage.removeItem(name);
    }
  } catch {
    // Nothing was kept.
  }
}
