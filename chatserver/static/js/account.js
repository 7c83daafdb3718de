/** Script of the setup, login and invitation pages. */

import { loadCatalogue } from "./ui/load-catalogue.js";

await loadCatalogue();
await Promise.all([import("./elements/account-form.js"), import("./elements/password-field.js")]);
