/** Load the catalogue of the page's language, before any text is shown. Without a URL the page is in English. */

import { setCatalogue } from "../lib/i18n.js";
import { urls } from "./page.js";

export async function loadCatalogue(url = urls.catalogue) {
  if (!url) return setCatalogue({});
  try {
    const response = await fetch(url);
    if (response.ok) setCatalogue(await response.json());
  } catch {
    // Without a catalogue the page is in English.
  }
}
