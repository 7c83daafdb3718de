/** The pages before the chat: setting up, logging in, joining. */

import { loadCatalogue } from "./ui/load-catalogue.js";

await loadCatalogue();
await Promise.all([import("./elements/account-form.js"), import("./elements/password-field.js")]);
