/** The key of the open conversation if messages of it were marked as unread, kept for a reload; otherwise "". */

import { local } from "./local-storage.js";

const NAME = "marked-unread";

export const heldConversation = {
  get key() {
    return local.get(NAME) ?? "";
  },
  set key(key) {
    local.set(NAME, key);
  },
};
