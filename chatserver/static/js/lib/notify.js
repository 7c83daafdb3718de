/** Text of a notification. */

import { _ } from "./i18n.js";

const MAX_LENGTH = 200; // characters

/** What a notification may say, from the least to the most: that there is a message, who has sent it and where, its text. */
export const CONTENTS = ["nothing", "sender", "text"];

/** Return {title, body}. `content`: one of CONTENTS; `room`: null for a direct message; `server`: the name of the server. */
export function notificationText({ author, room, data, content, server }) {
  if (content === "nothing") return { title: server, body: _("New message") };
  const title = room === null ? author : _("%(name)s in %(room)s", { name: author, room });
  return { title, body: content === "text" ? Array.from(data).slice(0, MAX_LENGTH).join("") : _("New message") };
}
