/** <admin-conversations>: lists the largest group and direct conversations without their content, and removes them. */

import { AdminList } from "../ui/admin-list.js";
import { sessionRequest } from "../net/api.js";
import { _, ngettext } from "../lib/i18n.js";
import { lang } from "../ui/page.js";

class AdminConversations extends AdminList {
  #url = this.dataset.url;
  #numbers = new Intl.NumberFormat(lang);

  connectedCallback() {
    super.connectedCallback();
    this.querySelector("select").addEventListener("change", ({ target }) => {
      this.dataset.url = `${this.#url}?order=${target.value}`;
      this.load();
    });
    this.addEventListener("click", ({ target }) => {
      if (target.closest(".conversation-remove")) this.#remove(this.itemOf(target));
    });
  }

  read({ conversations, more }) {
    this.querySelector(".admin-more").hidden = !more;
    return conversations;
  }

  key({ room }) {
    return String(room);
  }

  fill(row, conversation) {
    const [members, events] = row.querySelectorAll("td");
    row.querySelector(".cell-title").textContent = conversation.created_by ? `@${conversation.created_by}` : "–";
    members.textContent = this.#numbers.format(conversation.members);
    events.textContent = this.#numbers.format(conversation.events);
    this.moment(row.querySelector(".cell-created"), conversation.created_at);
    this.moment(row.querySelector(".cell-last"), conversation.last_at);
    row.querySelector("button").setAttribute("aria-label", _("Delete conversation started by %(name)s", { name: conversation.created_by ?? "–" }));
  }

  #remove({ room, members }) {
    const question = {
      question: _("Delete this conversation?"),
      text: ngettext(
        "It disappears for its member, and its messages are deleted for good.",
        "It disappears for its %(num)s members, and its messages are deleted for good.",
        members,
      ),
      yes: _("Delete conversation"),
    };
    return this.confirmed(question, () => sessionRequest("DELETE", `${this.#url}/${room}`));
  }
}

customElements.define("admin-conversations", AdminConversations);
