"""Content of a push message: a declarative notification in JSON, in the language of its target.

Safari shows it without a service worker; the worker of the page parses the same JSON elsewhere.
"""

import gettext
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from chatserver.push.wanted import Wanted
from chatserver.storage.push_messages import PushedMessage, PushedRoom
from chatserver.storage.push_targets import Content, OwnedTarget, PushTarget
from chatserver.text.attached_files import attached
from chatserver.text.markup import plain_text

WEB_PUSH = 8030  # marks a declarative notification
EXCERPT = 200  # characters of a text
READ_CHARS = 500  # of a text, of which the excerpt is made
HTML_LANG = {"en": "en", "zh_CN": "zh-Hans"}


class Notifications:
    """Writes notifications in the languages of the page."""

    def __init__(
        self,
        texts: Mapping[str, gettext.NullTranslations],
        *,
        server: Callable[[], str],
        most: Content,
    ) -> None:
        """`texts`: by locale; `server` returns the name of the server.

        `most`: what the operator allows a push to say.
        """
        self._texts = texts
        self._server = server
        self.most = most

    def of_messages(
        self, wanted: Wanted, owned: OwnedTarget, *, badge: int, read: dict[int, int]
    ) -> bytes:
        """Return the notification of some messages of a room.

        `badge`: the number of rooms with mentions; `read`: read positions of rooms, whose older
        notifications are withdrawn.
        """
        target, room, last = owned.target, wanted.room, wanted.messages[-1]
        title, body = self._title_and_body(wanted, target)
        reply = self._of(target).gettext("Reply")
        return _encoded(
            target,
            title=title,
            body=body,
            navigate=_link(target, room, last),
            tag=f"room-{room.room}",
            **({} if wanted.sound else {"silent": True}),
            app_badge=str(badge),
            data={"room": room.room, "seq": last.seq, "user": owned.user, "read": read},
            actions=[{"action": "reply", "title": reply, "navigate": _link(target, room, last)}],
        )

    def of_test(self, target: PushTarget) -> bytes:
        """Return the notification that a user requests in the settings."""
        text = self._of(target).gettext("Notifications reach this device.")
        return _encoded(
            target, title=self._server(), body=text, navigate=target.page, tag="test", data={}
        )

    def _title_and_body(self, wanted: Wanted, target: PushTarget) -> tuple[str, str]:
        texts, number = self._of(target), len(wanted.messages)
        content = target.content.limited(self.most)
        count = _count(number, texts)
        if content is Content.NOTHING:
            return self._server(), count
        title = self._title(wanted, texts) or self._server()
        if content is Content.SENDER:
            return title, count
        last = _excerpt(wanted.messages[-1], texts)
        if number == 1:
            return title, last
        author = "" if len(_authors(wanted.messages)) == 1 else f"{wanted.messages[-1].display}: "
        return title, f"{count}\n{author}{last}"

    def _title(self, wanted: Wanted, texts: gettext.NullTranslations) -> str:
        authors, room = _authors(wanted.messages), wanted.room
        if len(authors) > 1:
            return room.title
        if room.is_direct or not room.title:
            return authors[0]
        return texts.gettext("%(name)s in %(room)s") % {"name": authors[0], "room": room.title}

    def _of(self, target: PushTarget) -> gettext.NullTranslations:
        return self._texts[target.locale]


def _count(number: int, texts: gettext.NullTranslations) -> str:
    if number == 1:
        return texts.gettext("New message")
    return texts.ngettext("%(num)s new message", "%(num)s new messages", number) % {"num": number}


def _authors(messages: Sequence[PushedMessage]) -> list[str]:
    """Return the display names of the authors, each once."""
    return list({message.user_id: message.display for message in messages}.values())


def _excerpt(message: PushedMessage, texts: gettext.NullTranslations) -> str:
    """Return the start of a text; of a message without one, the name or number of its files."""
    text = plain_text(message.data[:READ_CHARS])
    if text:
        return text if len(text) <= EXCERPT else f"{text[: EXCERPT - 1]}…"
    files = attached(message.files)
    if len(files) == 1:
        return files[0].name[:EXCERPT]
    return texts.ngettext("%(num)s file", "%(num)s files", len(files)) % {"num": len(files)}


def _link(target: PushTarget, room: PushedRoom, message: PushedMessage) -> str:
    """Return the URL of a message on the chat page: see lib/route.js."""
    if room.is_direct:
        return f"{target.page}#/with/{quote(message.user, safe='')}/{message.seq}"
    return f"{target.page}#/room/{room.room}/{message.seq}"


def _encoded(target: PushTarget, **notification: Any) -> bytes:
    shown = {"lang": HTML_LANG[target.locale], "dir": "auto"} | notification
    return msgspec.json.encode({"web_push": WEB_PUSH, "notification": shown, "mutable": True})
