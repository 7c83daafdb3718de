/** Sends entries of the outbox over the connection, as its commands. */

import { NoReply } from "./connection.js";
import { _ } from "../lib/i18n.js";
import { roomKey } from "../lib/route.js";
import { asCommand } from "../lib/view.js";
import { LOBBY } from "./protocol.js";

/** (entry) → the server's reply. Rejects with NoReply while there is none; a text that cannot be sent is refused. */
export function sender(connection, feed) {
  return async (entry) => {
    if (feed.epoch === null) throw new NoReply("no welcome yet", { unsent: true }); // which log the server has is unknown
    if (isElsewhere(entry, feed.epoch)) return refusal(_("The server was restored from a backup. Check the text and the room, then send it again."));
    try {
      return await connection.request(asCommand(entry));
    } catch (error) {
      if (!(error instanceof NoReply)) return refusal(_("This text cannot be sent."));
      if (connection.state === "online") connection.reconnect();
      throw error;
    }
  };
}

/** After a restored backup the number of a room or of a quoted message may be that of another one. */
function isElsewhere({ key, replyTo, target, epoch }, now) {
  const lasts = (key.startsWith("@") || key === roomKey(LOBBY)) && replyTo === undefined && target === undefined;
  return epoch !== undefined && epoch !== now && !lasts;
}

const refusal = (data) => ({ ok: false, code: "refused", data });
