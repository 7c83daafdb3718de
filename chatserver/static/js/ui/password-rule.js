/** Which passwords are easy to guess, fetched when one is typed. Null while that cannot be had. */

let loading = null;

export function loadPasswordRule() {
  loading ??= fetchRule().catch(() => (loading = null));
  return loading;
}

async function fetchRule() {
  const response = await fetch(new URL("../password-rule.json", import.meta.url));
  return response.json();
}
