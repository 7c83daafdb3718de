/** Show the QR code of an invitation, which the server renders. */

import { _ } from "../lib/i18n.js";
import { urls } from "./page.js";

export function showQr(box, code, address) {
  const picture = new Image(264, 264);
  picture.src = `${urls.invites}/${encodeURIComponent(code)}/qr.svg?${new URLSearchParams({ address })}`;
  picture.alt = _("QR code of the link");
  box.replaceChildren(picture);
}
