"""Rules by which messages notify a user. lib/notification-rules.js has the same rules.

`notifies` is the one decision: pushes and mails ask it on the server, the page asks its own copy.
Both are tested with the cases of tests/text-cases/notifications.json.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct

from chatserver.errors import BadRequest, _
from chatserver.protocol import QuietHours, Rules
from chatserver.text.search_terms import UNSPACED, fold


class RoomLevel(StrEnum):
    """For which messages of a room a user gets notifications."""

    DEFAULT = "default"  # that of the user
    ALL = "all"
    MENTIONS = "mentions"  # also in a direct conversation only these
    NOTHING = "nothing"

    @property
    def is_muted(self) -> bool:
        """Whether clients that know only mute show the room as muted."""
        return self in (RoomLevel.MENTIONS, RoomLevel.NOTHING)


class Occasion(Struct, frozen=True):
    """A message of another user, as far as rules depend on it.

    `text` is folded (`search_terms.fold`). `mentions_user`: by name; `members` of the room.
    """

    text: str
    is_direct: bool
    members: int
    mentions_user: bool
    mentions_all: bool


def notifies(
    rules: Rules, level: RoomLevel, message: Occasion, *, now: int, all_members: int
) -> bool:
    """Return whether a message calls for a notification to a user at `now` (ms UTC).

    `level` is that of the user for the room. A mention of all members counts as one in rooms with
    at most `all_members`. Whether the user has read the message is not asked here.
    """
    chosen = RoomLevel(rules.level) if level is RoomLevel.DEFAULT else level
    if chosen is RoomLevel.NOTHING or now < rules.paused_until or is_quiet(rules.quiet, now):
        return False
    if chosen is RoomLevel.ALL or (message.is_direct and level is RoomLevel.DEFAULT):
        return True
    mentions_all = message.mentions_all and message.members <= all_members
    return message.mentions_user or mentions_all or has_keyword(message.text, rules.keywords)


def room_level(stored: str | None, *, muted: bool) -> RoomLevel:
    """Return the level of a room from its columns: servers before this version set `muted` only."""
    level = RoomLevel(stored or RoomLevel.DEFAULT)
    if level.is_muted == muted:
        return level
    return RoomLevel.MENTIONS if muted else RoomLevel.DEFAULT


def is_quiet(quiet: QuietHours | None, now: int) -> bool:
    """Return whether `now` (ms UTC) is in the quiet hours. Without the time zone nothing is."""
    zone = None if quiet is None else _zone(quiet.zone)
    if quiet is None or zone is None:
        return False
    local = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone)
    time, day = f"{local:%H:%M}", local.isoweekday()
    day_before = (local.date() - timedelta(days=1)).isoweekday()
    if quiet.start < quiet.end:
        return day in quiet.days and quiet.start <= time < quiet.end
    return (day in quiet.days and time >= quiet.start) or (
        day_before in quiet.days and time < quiet.end
    )


def has_keyword(text: str, keywords: list[str]) -> bool:
    """Return whether a folded text has one of the keywords, as whole words if they are words."""
    return any(_has_word(text, fold(keyword)) for keyword in keywords)


def _has_word(text: str, word: str) -> bool:
    start = text.find(word) if word else -1
    while start >= 0:
        end = start + len(word)
        if not (_joined(text, start) or _joined(text, end)):
            return True
        start = text.find(word, start + 1)
    return False


def _joined(text: str, index: int) -> bool:
    """Whether the characters before and at `index` belong to one word."""
    return 0 < index < len(text) and _in_word(text[index - 1]) and _in_word(text[index])


def _in_word(character: str) -> bool:
    """Whether it is a letter or digit of a script that separates words by spaces."""
    code = ord(character)
    return character.isalnum() and not any(first <= code <= last for first, last in UNSPACED)


def checked(rules: Rules) -> Rules:
    """Return the rules with each keyword once. Raises BadRequest for what types cannot express."""
    keywords = {fold(keyword): keyword.strip() for keyword in rules.keywords}
    if "" in keywords:
        raise BadRequest(_("A keyword needs at least one visible character."))
    if rules.quiet is not None and _zone(rules.quiet.zone) is None:
        raise BadRequest(_("The time zone is not known."))
    return Rules(rules.level, list(keywords.values()), rules.quiet, rules.paused_until, rules.sound)


@lru_cache(maxsize=700)
def _zone(name: str) -> ZoneInfo | None:
    """Return a time zone, None if the system does not know it."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # KeyError: ZoneInfoNotFoundError
        return None
