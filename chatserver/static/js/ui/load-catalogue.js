/** Fetches the catalogue of the page's language, once, before anything speaks. */

import { setCatalogue } from "../lib/i18n.js";
import { urls } from "./page.js";

export async function loadCatalogue() {
  if (!urls.catalogue) return;
  try {
    const response = await fetch(urls.catalogue);
    if (response.ok) setCatalogue(await response.json());
  } catch {
    // English is better than no chat.
  }
}
