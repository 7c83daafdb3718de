/** Texts about the space that files use, for administrators. */

import { _ } from "./i18n.js";
import { roomKey } from "./route.js";
import { roomName } from "./view.js";

/** The label of a room in the list of rooms; conversations are not named. */
export function roomLabel({ room, kind, name, title }) {
  if (kind === "direct") return _("Direct conversation");
  return name ? roomName({ key: roomKey(room), title }, _("Lobby")) : _("Conversation without a name");
}

/** The limits that are set; `size(bytes)` and `list(texts)` return texts. */
export function limitsText({ file, user, room, total }, { size, list }) {
  const limits = [
    file > 0 && _("%(size)s per file", { size: size(file) }),
    user > 0 && _("%(size)s per user", { size: size(user) }),
    room > 0 && _("%(size)s per room", { size: size(room) }),
    total > 0 && _("%(size)s in total", { size: size(total) }),
  ];
  return _("Limits: %(limits)s.", { limits: list(limits.filter(Boolean)) });
}
