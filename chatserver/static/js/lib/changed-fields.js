/** The fields of `wanted` that differ from what a form showed when it was opened, or null. Others are not sent. */
export function changedFields(shown, wanted) {
  const changed = Object.entries(wanted).filter(([name, value]) => value !== shown[name]);
  return changed.length > 0 ? Object.fromEntries(changed) : null;
}
