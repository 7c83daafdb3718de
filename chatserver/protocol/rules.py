"""Rules of a user for notifications, as clients see them."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from chatserver.protocol.base import Position, Type, Wire

MAX_KEYWORDS = 20
KEYWORD_CHARS = 50

Time = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$(?!\n)")]
Weekday = Annotated[int, Meta(ge=1, le=7)]  # ISO 8601: 1 is Monday
Keyword = Annotated[str, Meta(min_length=1, max_length=KEYWORD_CHARS)]


class QuietHours(Struct, frozen=True):
    """Times of day without notifications, in the time zone `zone` of the IANA database.

    From `start` to `end`, which may be on the next day. `days` are those on which it starts, 1 is
    Monday. If both times are equal, it is a whole day.
    """

    zone: Annotated[str, Meta(max_length=64, pattern=r"^[A-Za-z][A-Za-z0-9_+/-]*$(?!\n)")]
    start: Time
    end: Time
    days: Annotated[list[Weekday], Meta(max_length=7)]


class Rules(Struct, frozen=True):
    """The choices of a user for notifications.

    `level`: all messages, mentions and direct messages, or nothing, in rooms without a level of
    their own. `keywords`: messages with one of these notify, too. `paused_until` (ms UTC): do not
    disturb until then.
    """

    level: Literal["all", "mentions", "nothing"] = "mentions"
    keywords: Annotated[list[Keyword], Meta(max_length=MAX_KEYWORDS)] = []
    quiet: QuietHours | None = None
    paused_until: Position = 0
    sound: bool = True


class NotificationRules(Wire, tag=int(Type.NOTIFICATIONS)):
    """The user has changed the rules for notifications. To every device of the user."""

    rules: Rules
