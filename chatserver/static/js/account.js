/** The pages before the chat: setting up, logging in, joining. */

import { loadWords } from "./ui/load-catalogue.js";

await loadWords();
await Promise.all([import("./elements/account-form.js"), import("./elements/password-field.js")]);
