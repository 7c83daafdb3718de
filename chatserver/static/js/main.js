/** The chat page: its elements, then its words, then the connection. */

import "./elements/account-menu.js";
import "./elements/chat-app.js";
import "./elements/chat-message.js";
import "./elements/chat-topbar.js";
import "./elements/confirm-dialog.js";
import "./elements/connection-banner.js";
import "./elements/conversation-list.js";
import "./elements/copy-field.js";
import "./elements/invite-dialog.js";
import "./elements/keys-dialog.js";
import "./elements/live-announcer.js";
import "./elements/mention-list.js";
import "./elements/message-actions.js";
import "./elements/message-composer.js";
import "./elements/message-list.js";
import "./elements/nav-drawer.js";
import "./elements/quick-switcher.js";
import "./elements/room-dialog.js";
import "./elements/rooms-dialog.js";
import "./elements/toast-line.js";
import { loadWords } from "./words.js";

await loadWords();
document.querySelector("chat-app").start();
