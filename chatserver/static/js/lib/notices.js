/** Describe an event of a room or its members in one line. */

import { _ } from "./i18n.js";

const SETTINGS = ["name", "private", "receipts", "leavers_read", "retention_days"];

/** `display(name)`: the shown name of a user. */
export function notice({ admins = [], ...event }, display) {
  const text = describe(event, display);
  const promotions = admins.map((admin) => _("%(name)s is now the administrator of the room", { name: display(admin) }));
  return [text, ...promotions].join(" · ");
}

function describe({ user, action, users = [], ...properties }, display) {
  const name = display(user);
  const people = listed(users.map(display));
  switch (action) {
    case "create":
      return created(name, users.filter((one) => one !== user).map(display));
    case "join":
      return _("%(name)s joined", { name });
    case "leave":
      return _("%(name)s left", { name });
    case "invite":
      return _("%(name)s added %(people)s", { name, people });
    case "remove":
      return _("%(name)s removed %(people)s", { name, people });
    case "archive":
      return properties.archived
        ? _("%(name)s archived the room", { name })
        : _("%(name)s reopened the room", { name });
    default:
      return changed(name, properties);
  }
}

function created(name, others) {
  if (others.length === 0) return _("%(name)s created the room", { name });
  return _("%(name)s created the room and added %(people)s", { name, people: listed(others) });
}

/** The parts for all properties that were changed together. */
function changed(name, { title, topic, ...others }) {
  const lines = [];
  if (title) lines.push(_("%(name)s renamed the room to “%(title)s”", { name, title }));
  if (topic) lines.push(_("%(name)s set the topic: %(topic)s", { name, topic }));
  if (topic === "") lines.push(_("%(name)s removed the topic", { name }));
  const more = SETTINGS.some((setting) => others[setting] !== undefined);
  if (more || lines.length === 0) lines.push(_("%(name)s changed the room settings", { name }));
  return lines.join(" · ");
}

const listed = (names) => new Intl.ListFormat(undefined, { style: "narrow" }).format(names);
