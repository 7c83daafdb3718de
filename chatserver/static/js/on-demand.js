/** What nobody sees before asking for it: dialogs, panels, lists of what fits. demand.js brings it. */

import "./elements/account-menu.js";
import "./elements/completion-list.js";
import "./elements/copy-field.js";
import "./elements/emoji-search.js";
import "./elements/invite-dialog.js";
import "./elements/invite-link.js";
import "./elements/keys-dialog.js";
import "./elements/notification-settings.js";
import "./elements/password-field.js";
import "./elements/password-form.js";
import "./elements/quick-switcher.js";
import "./elements/room-dialog.js";
import "./elements/room-panel.js";
import "./elements/rooms-dialog.js";
import "./elements/search-panel.js";
import "./elements/session-list.js";
import "./elements/settings-dialog.js";
import "./elements/side-area.js";
