"""Which messages of a room cause a push to a member, by the choices of the member's browsers."""

from dataclasses import dataclass

from chatserver.storage.push_claims import Candidate
from chatserver.storage.push_messages import PushedMessage, PushedRoom
from chatserver.storage.push_targets import Level


@dataclass(frozen=True, slots=True)
class Wanted:
    """Messages of one push, at least one, in order."""

    room: PushedRoom
    messages: list[PushedMessage]
    is_call: bool  # some are direct messages or mention the user


def wanted_by_level(room: PushedRoom, candidate: Candidate) -> dict[Level, Wanted]:
    """Return the unread messages for each level that a browser of the member has chosen."""
    unread = [
        message
        for message in room.messages
        if message.seq > candidate.after and message.user_id != candidate.user_id
    ]
    found = {level: _at_level(room, unread, candidate, level) for level in candidate.levels}
    return {level: wanted for level, wanted in found.items() if wanted.messages}


def _at_level(
    room: PushedRoom, unread: list[PushedMessage], candidate: Candidate, level: Level
) -> Wanted:
    """Mentions are wanted also in muted rooms: as lib/notify.js decides for an open page."""
    mentioned = [message.seq for message in unread if message.mentions(candidate.user_id)]
    whole = not candidate.muted and (level is Level.ALL or room.is_direct)
    chosen = [message for message in unread if whole or message.seq in mentioned]
    return Wanted(room, chosen, room.is_direct or bool(mentioned))
