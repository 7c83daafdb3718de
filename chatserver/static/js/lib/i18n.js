/** Translations: the English text is the key, the catalogue has the text of the page's language. */

let catalogue = {};

/** `entries`: message → translation, or message → list of plural forms. */
export function setCatalogue(entries) {
  catalogue = entries ?? {};
}

/** The translation of `text`, with every %(name)s replaced. */
export function _(text, values = {}) {
  const found = catalogue[text];
  return fill(typeof found === "string" && found ? found : text, values);
}

/** The translation of `one` or `many`, according to `n`; %(num)s is `n`. */
export function ngettext(one, many, n, values = {}) {
  const forms = formsOf(one) ?? [one, many];
  return fill(forms[Math.min(n === 1 ? 0 : 1, forms.length - 1)], { num: n, ...values });
}

function formsOf(one) {
  const found = catalogue[one];
  return Array.isArray(found) && found.length > 0 && found.every(Boolean) ? found : null;
}

function fill(text, values) {
  return text.replace(/%(?:\((\w+)\)[sd]|%)/g, (whole, name) => {
    if (name === undefined) return "%";
    return name in values ? String(values[name]) : whole;
  });
}
