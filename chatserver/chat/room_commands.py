"""Commands on rooms and their members: create, join, leave, invite, remove, change, mute, favorite.

Rights are checked in the transaction that stores the change (`storage.apply_room`). This module
validates and stores the changes, and announces the room to new members.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from chatserver import protocol
from chatserver.errors import BadRequest, ChatError, NotFound, _
from chatserver.limits import Rate
from chatserver.models import (
    AddMembers,
    Change,
    Create,
    Dissolve,
    Draft,
    Event,
    Receipt,
    RemoveMembers,
    RoomAct,
    RoomState,
    User,
    name_key,
)
from chatserver.notification_rules import RoomLevel
from chatserver.protocol import encode_events
from chatserver.realtime.hub import Hub
from chatserver.storage.idempotency import new_draft
from chatserver.storage.journal import Journal, receipt_future
from chatserver.storage.rooms import Rooms
from chatserver.storage.users import Users
from chatserver.text.names import TITLE_LENGTH, checked_room_name, checked_title, checked_topic

NAMES_PER_TURN = 50  # names of ligatures take 0.05 ms each
USERS_PER_MESSAGE = 10  # users named in a change of a room that count as one more message

CHECKS = {"name": checked_room_name, "title": checked_title, "topic": checked_topic}

UserNames = Sequence[str] | None
UserRefs = tuple[tuple[int, str], ...]


class RoomCreation(NamedTuple):
    """Without a `name` it is a group conversation with `users`."""

    name: str | None = None
    title: str | None = None
    topic: str | None = None
    private: bool | None = None
    users: UserNames = None


class RoomSettings(NamedTuple):
    """Properties of a room to set; None leaves one as it is."""

    name: str | None = None
    title: str | None = None
    topic: str | None = None
    private: bool | None = None
    receipts: bool | None = None
    leavers_read: bool | None = None
    retention_days: int | None = None


class RoomOutcome(NamedTuple):
    """The receipt of a change, and the room's state for its new member."""

    receipt: Receipt
    state: RoomState | None = None


OnStored = Callable[[RoomOutcome], None]  # called before clients receive the event or the room


def do_nothing(_outcome: RoomOutcome) -> None:
    """For callers that use the returned outcome."""


class RoomRequest(NamedTuple):
    """The user who asks for a change, the id of the request, and the callback for its storing."""

    user: User
    id: str | None = None
    on_stored: OnStored = do_nothing

    def draft(self, room: int, act: RoomAct) -> Draft:
        return new_draft(room, self.user.id, self.user.name, act, self.id)


class RoomCommands:
    """Validates commands on rooms and members, and stores them through the journal."""

    def __init__(self, journal: Journal, hub: Hub, rooms: Rooms, users: Users, rate: Rate) -> None:
        """`rate` is the rate of messages; users named in a change count towards it."""
        self._journal = journal
        self._hub = hub
        self._rooms = rooms
        self._users = users
        self._rate = rate

    async def create(self, request: RoomRequest, room: RoomCreation) -> RoomOutcome:
        """Create a named room, or without a name a group conversation, which is always private."""
        user = request.user
        others = await self._find_users(user, room.users) if room.users else ()
        if room.name is None and not others:
            raise BadRequest(_("A room needs a name or members."))
        name = checked_room_name(room.name) if room.name is not None else None
        names = [user.name, *(name for user_id, name in others if user_id != user.id)]
        act = Create(
            title=checked_title(room.title) if room.title else name or _joined(names),
            name=name,
            topic=checked_topic(room.topic or ""),
            private=bool(room.private) or name is None,
            users=others,
        )
        return await self._perform_joining(request, 0, act)

    async def join(self, request: RoomRequest, room: int) -> RoomOutcome:
        act = AddMembers("join", ((request.user.id, request.user.name),))
        return await self._perform_joining(request, room, act)

    async def invite(self, request: RoomRequest, room: int, names: UserNames) -> Receipt:
        """Make users members. Raises NotFound if any does not exist."""
        act = AddMembers("invite", await self._find_users(request.user, names))
        return await self._store(request.draft(room, act), request.on_stored)

    async def leave(self, request: RoomRequest, room: int) -> Receipt:
        act = RemoveMembers("leave", ((request.user.id, request.user.name),))
        return await self._store(request.draft(room, act), request.on_stored)

    async def remove(self, request: RoomRequest, room: int, names: UserNames) -> Receipt:
        """Remove members. Raises NotFound if any user does not exist."""
        act = RemoveMembers("remove", await self._find_users(request.user, names))
        return await self._store(request.draft(room, act), request.on_stored)

    async def archive(self, request: RoomRequest, room: int, *, on: bool) -> Receipt:
        """Archive a room, or make an archived one usable again."""
        act = Change("archive", {"archived": on})
        return await self._store(request.draft(room, act), request.on_stored)

    async def change(self, request: RoomRequest, room: int, settings: RoomSettings) -> Receipt:
        """Set the properties that are not None."""
        act = Change("change", _changes(settings))
        return await self._store(request.draft(room, act), request.on_stored)

    async def join_invited(
        self, user: User, room: int, code: str, *, consumes_use: bool = False
    ) -> None:
        """Make the user of an invitation a member of the room that it leads to.

        `consumes_use`: this takes one use of the invitation. Raises NotFound if the invitation
        does not lead there any more, Forbidden for an archived room, Conflict for a member.
        """
        act = AddMembers("join", ((user.id, user.name),), invited=code, consumes_use=consumes_use)
        draft = new_draft(room, user.id, user.name, act)
        receipt = await self._store(draft)
        if receipt.event is not None:
            await self._announce(user.id, receipt.event)

    async def administer_room(
        self, user: User, room: int, *, archived: bool | None, retention_days: int | None
    ) -> None:
        """Set the given properties of a room, as an administrator who need not be a member.

        Members are notified as of every change. Raises NotFound for a room without a name.
        """
        if archived is not None:
            act = Change("archive", {"archived": archived}, as_server_admin=True)
            await self._store(new_draft(room, user.id, user.name, act))
        if retention_days is not None:
            act = Change("change", {"retention_days": retention_days}, as_server_admin=True)
            await self._store(new_draft(room, user.id, user.name, act))

    async def dissolve(self, user: User, room: int) -> None:
        """End a conversation without a name, as an administrator who need not be a member.

        All members are removed. Raises NotFound for a room with a name.
        """
        await self._store(new_draft(room, user.id, user.name, Dissolve()))

    async def mute(self, user: User, room: int, *, on: bool) -> None:
        """Mute a room for the user, so that only mentions notify, or unmute it.

        Raises NotFound if the user is not a member.
        """
        await self.set_level(user, room, RoomLevel.MENTIONS if on else RoomLevel.DEFAULT)

    async def set_level(self, user: User, room: int, level: RoomLevel) -> None:
        """Set which messages of a room notify the user, and notify the user's other devices.

        Raises NotFound if the user is not a member.
        """
        await self._mark(user, room, muted=level.is_muted, notify=level.value)

    async def favor(self, user: User, room: int, *, on: bool) -> None:
        """Set whether a room is a favorite of the user, and notify the user's other devices.

        Raises NotFound if the user is not a member.
        """
        await self._mark(user, room, favorite=on)

    async def _mark(self, user: User, room: int, **marks: Any) -> None:
        read = await self._rooms.mark(user.id, room, **marks)
        if read is None:
            raise NotFound
        frame = protocol.Read(room=room, user=user.name, seq=read, **marks)
        self._hub.send_ephemeral(protocol.encode(frame), user=user.id)

    async def _perform_joining(
        self, request: RoomRequest, room: int, act: Create | AddMembers
    ) -> RoomOutcome:
        """Store a change that makes its sender a member, who gets the room's state."""
        receipt = await self._store(request.draft(room, act))
        outcome = RoomOutcome(receipt, await self._rooms.state(request.user.id, receipt.room))
        request.on_stored(outcome)
        if receipt.event is not None:
            await self._announce(request.user.id, receipt.event)
        return outcome

    async def _announce(self, user_id: int, event: Event) -> None:
        event_json = encode_events.payload(event)
        await self._hub.announcements.announce_room([user_id], event.room, event_json)

    async def _store(self, draft: Draft, on_stored: OnStored = do_nothing) -> Receipt:
        receipt, settle = receipt_future()

        def confirm(outcome: Receipt | ChatError) -> None:
            if not isinstance(outcome, ChatError):
                on_stored(RoomOutcome(outcome))
            settle(outcome)

        self._journal.append(draft, confirm)
        return await receipt

    async def _find_users(self, user: User, names: UserNames) -> UserRefs:
        """Return ids and names of users, which count towards the user's rate of messages.

        They are in the order of `names`, because a repeated request must be the same for
        `idempotency.digest`. Raises NotFound if any does not exist, and RateLimited.
        """
        self._rate.take_more(user.id, len(names or ()) / USERS_PER_MESSAGE)
        if not names:
            raise BadRequest(_("'users' is missing."))
        keys = await _name_keys(names)
        users = await self._users.ids(keys)
        for name, key in zip(names, keys, strict=True):
            if key not in users:
                raise NotFound(_("There is no user named %(name)s."), name=name)
        return tuple(dict.fromkeys(users[key] for key in keys))


async def _name_keys(names: Sequence[str]) -> list[str]:
    """Return the key of each name, computed in several turns of the event loop."""
    keys: list[str] = []
    for start in range(0, len(names), NAMES_PER_TURN):
        if start:
            await asyncio.sleep(0)
        keys += map(name_key, names[start : start + NAMES_PER_TURN])
    return keys


def _joined(names: list[str]) -> str:
    """Return the default title of a conversation: as many names as fit."""
    return ", ".join(names)[:TITLE_LENGTH].rstrip(" ,")


def _changes(settings: RoomSettings) -> dict[str, Any]:
    """Return the settings that are not None."""
    values = {key: value for key, value in settings._asdict().items() if value is not None}
    for key, checked in CHECKS.items():
        if key in values:
            values[key] = checked(values[key])
    if not values:
        raise BadRequest(_("No changes were given."))
    return values
