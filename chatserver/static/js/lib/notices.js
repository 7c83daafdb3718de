/** What happened to a room or its members, as one line. */

import { _ } from "./i18n.js";

/** `display`: the name of a user as it is shown. */
export function notice({ admins = [], ...event }, display) {
  const words = happening(event, display);
  const heirs = admins.map((heir) => _("%(name)s is now the administrator of the room", { name: display(heir) }));
  return [words, ...heirs].join(" · ");
}

function happening({ user, action, users = [], ...facts }, display) {
  const name = display(user);
  const people = new Intl.ListFormat(undefined, { style: "narrow" }).format(users.map(display));
  switch (action) {
    case "create":
      return _("%(name)s created the room", { name });
    case "join":
      return _("%(name)s joined", { name });
    case "leave":
      return _("%(name)s left", { name });
    case "invite":
      return _("%(name)s added %(people)s", { name, people });
    case "remove":
      return _("%(name)s removed %(people)s", { name, people });
    case "archive":
      return facts.archived
        ? _("%(name)s archived the room", { name })
        : _("%(name)s opened the room again", { name });
    default:
      return changed(name, facts);
  }
}

function changed(name, { title, topic }) {
  if (title) return _("%(name)s renamed the room to “%(title)s”", { name, title });
  if (topic) return _("%(name)s set the topic: %(topic)s", { name, topic });
  if (topic === "") return _("%(name)s removed the topic", { name });
  return _("%(name)s changed the settings of the room", { name });
}
