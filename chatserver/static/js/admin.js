/**
 * Script of the administration pages. The catalogue is loaded first, because the elements show texts when they are
 * defined.
 */

import { ignoreRepeats } from "./ui/clicks.js";
import { Focus } from "./ui/focus.js";
import { watchLayers } from "./ui/layers.js";
import { followLogout } from "./net/logout-sync.js";
import { loadCatalogue } from "./ui/load-catalogue.js";

ignoreRepeats();
followLogout();
document.querySelector(".admin-tabs [aria-current]").scrollIntoView({ block: "nearest", inline: "center" });
await loadCatalogue();
await Promise.all([
  import("./elements/admin-bots.js"),
  import("./elements/admin-check.js"),
  import("./elements/admin-conversations.js"),
  import("./elements/admin-invites.js"),
  import("./elements/admin-storage.js"),
  import("./elements/admin-users.js"),
  import("./elements/admin-rooms.js"),
  import("./elements/admin-server.js"),
  import("./elements/confirm-dialog.js"),
  import("./elements/copy-field.js"),
  import("./elements/invite-link.js"),
  import("./elements/picture-cropper.js"),
  import("./elements/profile-picture.js"),
  import("./elements/session-dialog.js"),
  import("./elements/toast-line.js"),
]);
watchLayers();
new Focus(document.querySelector("main")).watch();
