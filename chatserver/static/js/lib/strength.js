/** How long a password is, against what is asked for and what is recommended. */

export const MINIMUM = 8;
export const RECOMMENDED = 15;

/** {length, verdict}: "empty", "short", "fair" or "good". Characters as people count them. */
export function strength(password) {
  const length = Array.from(password.normalize("NFKC")).length;
  if (length === 0) return { length, verdict: "empty" };
  if (length < MINIMUM) return { length, verdict: "short" };
  return { length, verdict: length < RECOMMENDED ? "fair" : "good" };
}
