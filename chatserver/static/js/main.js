/** The chat page: first the words, then the elements that use them. */

import { loadWords } from "./words.js";

await loadWords();
await Promise.all(
  [
    "account-menu",
    "chat-app",
    "chat-message",
    "chat-topbar",
    "connection-banner",
    "conversation-list",
    "copy-field",
    "invite-dialog",
    "live-announcer",
    "message-composer",
    "message-list",
    "nav-drawer",
  ].map((name) => import(`./elements/${name}.js`)),
);
document.querySelector("chat-app").start();
