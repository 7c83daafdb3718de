/** The pages before the chat: setting up, logging in, joining. */

import { loadWords } from "./words.js";

await loadWords();
await Promise.all([import("./elements/account-form.js"), import("./elements/password-field.js")]);
