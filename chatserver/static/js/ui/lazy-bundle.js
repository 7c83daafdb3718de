/** Modules that the first messages do not need: dialogs, panels, banners, suggestions, services. Loaded by lazy-load.js. */

import "../elements/account-menu.js";
import "../elements/attachment-tray.js";
import "../elements/completion-list.js";
import "../elements/confirm-dialog.js";
import "../elements/copy-field.js";
import "../elements/emoji-search.js";
import "../elements/file-viewer.js";
import "../elements/files-panel.js";
import "../elements/invite-dialog.js";
import "../elements/invite-link.js";
import "../elements/keys-dialog.js";
import "../elements/live-announcer.js";
import "../elements/message-actions.js";
import "../elements/nav-drawer.js";
import "../elements/notification-settings.js";
import "../elements/password-field.js";
import "../elements/password-form.js";
import "../elements/picture-cropper.js";
import "../elements/profile-picture.js";
import "../elements/quick-switcher.js";
import "../elements/room-dialog.js";
import "../elements/room-panel.js";
import "../elements/rooms-dialog.js";
import "../elements/search-panel.js";
import "../elements/session-dialog.js";
import "../elements/session-list.js";
import "../elements/settings-dialog.js";
import "../elements/side-area.js";
import "../elements/storage-banner.js";
import "../elements/text-viewer.js";
import "../elements/toast-line.js";

export { showInTab } from "./tab-badge.js";
export { copy } from "./clipboard.js";
export { Services } from "./services.js";
export { UnreadEdges } from "./unread-edges.js";
