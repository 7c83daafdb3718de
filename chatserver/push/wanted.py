"""Which messages of a room cause a push to a member, by the user's rules and browsers."""

from collections.abc import Callable
from dataclasses import dataclass

from chatserver.models import ALL_MEMBERS
from chatserver.notification_rules import Occasion, notifies
from chatserver.storage.push_claims import Candidate
from chatserver.storage.push_messages import PushedMessage, PushedRoom
from chatserver.storage.push_targets import Level

Wants = Callable[[PushedRoom, Candidate], "dict[Level, Wanted]"]  # see `wanted_by_level`


@dataclass(frozen=True, slots=True)
class Wanted:
    """Messages of one push, at least one, in order."""

    room: PushedRoom
    messages: list[PushedMessage]
    is_call: bool  # some are direct messages or mention the user
    sound: bool


def wanted_by_level(
    room: PushedRoom, candidate: Candidate, *, now: Callable[[], int], all_members: int
) -> dict[Level, Wanted]:
    """Return the unread messages for each level that a browser of the member has chosen.

    `now` returns ms UTC; `all_members`: see `notifies`.
    """
    unread = [
        message
        for message in room.messages
        if message.seq > candidate.after
        and message.user_id != candidate.user_id
        and notifies(
            candidate.rules,
            candidate.room_level,
            _occasion(room, message, candidate.user_id),
            now=now(),
            all_members=all_members,
        )
    ]
    found = {level: _at_level(room, unread, candidate, level) for level in candidate.levels}
    return {level: wanted for level, wanted in found.items() if wanted.messages}


def _occasion(room: PushedRoom, message: PushedMessage, user_id: int) -> Occasion:
    return Occasion(
        text=message.folded,
        is_direct=room.is_direct,
        members=room.members,
        mentions_user=user_id in message.mentioned,
        mentions_all=ALL_MEMBERS in message.mentioned,
    )


def _at_level(
    room: PushedRoom, unread: list[PushedMessage], candidate: Candidate, level: Level
) -> Wanted:
    user_id = candidate.user_id
    calls = [message for message in unread if room.is_direct or message.mentions(user_id)]
    chosen = unread if level is Level.ALL else calls
    return Wanted(room, chosen, bool(calls), candidate.rules.sound)
