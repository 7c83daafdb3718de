/** The chat page: its elements, then its words, then the connection. */

import "./elements/account-menu.js";
import "./elements/chat-app.js";
import "./elements/chat-message.js";
import "./elements/chat-topbar.js";
import "./elements/completion-list.js";
import "./elements/confirm-dialog.js";
import "./elements/connection-banner.js";
import "./elements/conversation-list.js";
import "./elements/copy-field.js";
import "./elements/emoji-search.js";
import "./elements/invite-dialog.js";
import "./elements/keys-dialog.js";
import "./elements/live-announcer.js";
import "./elements/message-actions.js";
import "./elements/message-composer.js";
import "./elements/message-list.js";
import "./elements/nav-drawer.js";
import "./elements/notification-settings.js";
import "./elements/password-form.js";
import "./elements/quick-switcher.js";
import "./elements/room-dialog.js";
import "./elements/room-panel.js";
import "./elements/rooms-dialog.js";
import "./elements/search-panel.js";
import "./elements/session-list.js";
import "./elements/settings-dialog.js";
import "./elements/side-area.js";
import "./elements/toast-line.js";
import { loadWords } from "./words.js";

await loadWords();
await import("./elements/password-field.js"); // it speaks as soon as it is there
document.querySelector("chat-app").start();
