/** The fields of `wanted` that differ from `shown`, the values with which the form was opened; null if none differs. */
export function changedFields(shown, wanted) {
  const changed = Object.entries(wanted).filter(([name, value]) => value !== shown[name]);
  return changed.length > 0 ? Object.fromEntries(changed) : null;
}
