"""Message numbers, field types and limits that all messages share."""

from collections.abc import Iterable
from enum import IntEnum
from typing import Annotated, Literal

from msgspec import Meta, Struct

MAX_INT = 2**53 - 1  # the largest integer that every JSON parser represents exactly
HISTORY_LIMIT = 500  # events in one page
CATCH_UP_LIMIT = 1_000  # events in one answer about many rooms
ROOMS_LIMIT = 500  # rooms in a welcome, or in one page of rooms
PREVIEW_CHARS = 200  # in the preview of a room's last message
REPLY_CHARS = 60_000  # characters of text and names in one reply
DEFAULT_LIMIT = 50  # events in a page without `limit`
FILES_LIMIT = 10  # files in one message

PositiveInt = Annotated[int, Meta(ge=1, le=MAX_INT)]
Position = Annotated[int, Meta(ge=0, le=MAX_INT)]
Limit = Annotated[int, Meta(ge=1, le=HISTORY_LIMIT)]
ClientId = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$(?!\n)")
]
UserName = Annotated[str, Meta(min_length=1, max_length=64)]
UserNames = Annotated[list[UserName], Meta(min_length=1, max_length=500)]
FileId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{22}$(?!\n)")]
FileIds = Annotated[list[FileId], Meta(max_length=FILES_LIMIT)]
Seconds = Annotated[float, Meta(ge=0.01, le=86_400)]
Wave = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{64}$(?!\n)")]
Emoji = Annotated[str, Meta(min_length=1, max_length=32)]
RoomName = Annotated[str, Meta(min_length=2, max_length=32)]
Title = Annotated[str, Meta(min_length=1, max_length=100)]
Topic = Annotated[str, Meta(max_length=500)]
Days = Annotated[int, Meta(ge=0, le=36_500)]
Action = Literal[
    "create", "join", "leave", "invite", "remove", "change", "archive", "mute", "favorite"
]


class Type(IntEnum):
    """The `type` of every message."""

    ERROR = 0
    GROUP_LIST = 1
    GROUP_CHAT = 2
    SINGLE_CHAT = 3
    REPLY = 4
    WELCOME = 5
    PRESENCE = 6
    HISTORY = 7
    TYPING = 8
    READ = 9
    EDIT = 10
    DELETE = 11
    REACT = 12
    ROOM = 13
    RENEW = 14
    HEARTBEAT = 15
    VISIBLE = 18  # 16 and 17 are reserved
    NOTIFICATIONS = 19


class Wire(Struct, kw_only=True, omit_defaults=True, tag_field="type", gc=False):
    """Base of all messages: a JSON object with a `type`."""


def count_fitting(lengths: Iterable[int], remaining: int = REPLY_CHARS) -> int:
    """Return how many of the first texts fit into a reply with `remaining` characters to go.

    The last of them may exceed it, so that a whole reply is never empty.
    """
    count = 0
    for length in lengths:
        if remaining <= 0:
            break
        remaining -= length
        count += 1
    return count
