/** Send outbox entries as commands over the connection. */

import { NoReply } from "./connection.js";
import { _ } from "../lib/i18n.js";
import { roomKey } from "../lib/route.js";
import { asCommand } from "../lib/view.js";
import { LOBBY } from "./protocol.js";

/** A function (entry) → reply of the server. It rejects with NoReply, and refuses text that cannot be encoded. */
export function sender(connection, conversations) {
  return async (entry) => {
    if (conversations.epoch === null) throw new NoReply("no welcome yet", { unsent: true }); // the epoch is unknown
    if (isAmbiguous(entry, conversations.epoch)) return refusal(_("The server was restored from a backup. Check the text and the room, then send it again."));
    try {
      return await connection.request(asCommand(entry));
    } catch (error) {
      if (!(error instanceof NoReply)) return refusal(_("This text cannot be sent."));
      if (connection.state === "online") connection.reconnect();
      throw error;
    }
  };
}

/**
 * Whether room or message of an entry may be another one since a backup was restored. Users and the lobby keep their
 * names.
 */
function isAmbiguous({ key, replyTo, target, epoch }, currentEpoch) {
  const isStable = (key.startsWith("@") || key === roomKey(LOBBY)) && replyTo === undefined && target === undefined;
  return epoch !== undefined && epoch !== currentEpoch && !isStable;
}

const refusal = (data) => ({ ok: false, code: "refused", data });
