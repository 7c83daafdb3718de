/**
 * <room-banner>: replaces <message-composer> in a conversation where the user cannot write: the
 * user was removed or has left, the room is not available or archived, or the other account of a
 * direct conversation is deleted. Shows the stored draft. Takes the focus from the composer, so
 * that typed text goes nowhere. A public room can be joined here, which dispatches `room:joined`
 * {state, go}.
 */

import { attemptOnce, sessionRequest } from "../net/api.js";
import { emit } from "../ui/dom.js";
import { drafts } from "../state/drafts.js";
import { _ } from "../lib/i18n.js";
import { newId } from "../lib/ids.js";
import { hashOf, roomKey } from "../lib/route.js";
import { urls } from "../ui/page.js";
import { LOBBY } from "../net/protocol.js";

class RoomBanner extends HTMLElement {
  #composer = this.nextElementSibling;
  #text = this.querySelector(".room-banner-text");
  #draft = this.querySelector(".room-banner-draft");
  #home = this.querySelector(".room-banner-home");
  #join = this.querySelector(".room-banner-join");
  #problem = this.querySelector(".form-problem");
  #key = "";
  #shown = "";

  connectedCallback() {
    this.#home.href = hashOf(roomKey(LOBBY));
    this.#join.addEventListener("click", () => attemptOnce(this.#problem, () => this.#joinRoom(this.#key)));
  }

  /** `reason`: as in CurrentConversation, "archived", "deleted", or "" if the user can write; `by`: a display name. */
  show({ key, name, reason, by }) {
    const text = reason && REASONS[reason]({ key, name, by });
    const shown = text && `${key} ${text}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#key = key;
    this.#text.textContent = text;
    this.#problem.hidden = true;
    this.#home.hidden = WITHOUT_HOME.has(reason);
    this.#join.hidden = reason !== "open";
    this.#showDraft(text ? drafts.text(key) : "");
    this.#replace(text !== "");
  }

  async #joinRoom(key) {
    const { state } = await sessionRequest("POST", `${urls.rooms}/${key.slice(1)}/members`, { id: newId() });
    if (state) emit(this, "room:joined", { state, go: this.#key === key && !this.hidden });
  }

  #showDraft(text) {
    this.#draft.hidden = text === "";
    this.#draft.querySelector("textarea").value = text;
  }

  /** Hide or show the composer. The focus does not go to a button, because the next key press is meant as text. */
  #replace(closed) {
    const focused = this.#composer.contains(document.activeElement);
    this.hidden = !closed;
    this.#composer.hidden = closed;
    if (closed && focused) this.focus();
  }
}

const WITHOUT_HOME = new Set(["archived", "deleted", "unknown"]); // reasons without a link to the lobby

const REASONS = {
  remove: ({ name, by }) =>
    by ? _("%(by)s removed you from %(name)s.", { by, name }) : _("You were removed from %(name)s.", { name }),
  leave: ({ name }) => _("You have left %(name)s.", { name }),
  restored: ({ name }) => _("The server was restored from a backup, in which %(name)s does not exist.", { name }),
  unknown: () => _("Loading…"),
  open: ({ name }) => _("You are not a member of %(name)s.", { name }),
  absent: () => _("Not found. This room does not exist, or you don't have access to it."),
  noUser: ({ key }) => _("Not found. There is no user @%(name)s.", { name: key.slice(1) }),
  deleted: () => _("This account is deleted."),
  archived: () => _("This room is archived. No new messages can be posted."),
};

customElements.define("room-banner", RoomBanner);
