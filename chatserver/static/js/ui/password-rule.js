/** Load the rule for guessable passwords, on first use. Null after an error, and the next call tries again. */

let loading = null;

export function loadPasswordRule() {
  loading ??= fetchRule().catch(() => (loading = null));
  return loading;
}

async function fetchRule() {
  const response = await fetch(new URL("../password-rule.json", import.meta.url));
  return response.json();
}
