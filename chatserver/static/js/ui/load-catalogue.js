/** Load the catalogue of the page's language, before any text is shown. */

import { setCatalogue } from "../lib/i18n.js";
import { urls } from "./page.js";

export async function loadCatalogue() {
  if (!urls.catalogue) return;
  try {
    const response = await fetch(urls.catalogue);
    if (response.ok) setCatalogue(await response.json());
  } catch {
    // Without a catalogue the page is in English.
  }
}
