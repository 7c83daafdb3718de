/** Script of the chat page: defines the elements, loads the catalogue, then opens the connection. */

import "./elements/chat-app.js";
import "./elements/chat-message.js";
import "./elements/chat-topbar.js";
import "./elements/connection-banner.js";
import "./elements/conversation-list.js";
import "./elements/message-composer.js";
import "./elements/message-list.js";
import "./elements/room-banner.js";
import "./elements/update-banner.js";
import { ignoreRepeats } from "./ui/clicks.js";
import { installPrompt } from "./ui/install-prompt.js";
import { watchLayers } from "./ui/layers.js";
import { loadCatalogue } from "./ui/load-catalogue.js";

ignoreRepeats();
installPrompt.watch(); // the browser announces it once
await loadCatalogue();
watchLayers();
document.querySelector("chat-app").start();
document.documentElement.dataset.started = "true"; // see browser-check.js
