"""Commands on rooms and their members: create, join, leave, invite, remove, change, mute.

Rights are checked in the transaction that stores the change (`storage.apply_room`). This module
turns commands into acts, and announces the room to new members.
"""

from collections.abc import Callable, Sequence
from typing import Any, assert_never

from chatserver import protocol
from chatserver.errors import BadRequest, NotFound, _
from chatserver.limits import Rate
from chatserver.models import (
    Act,
    Change,
    Create,
    Dismiss,
    Dissolve,
    Draft,
    Enrol,
    Receipt,
    RoomState,
    User,
    name_key,
)
from chatserver.protocol import ChangeRoom, encode_events
from chatserver.realtime.hub import Hub
from chatserver.storage.idempotency import new_draft
from chatserver.storage.journal import Journal, receipt_future
from chatserver.storage.rooms import Rooms
from chatserver.storage.users import Users
from chatserver.text.names import TITLE_LENGTH, checked_room_name, checked_title, checked_topic

USERS_PER_MESSAGE = 25  # users named in a change of a room that count as one more message

SETTINGS = ("name", "title", "topic", "private", "receipts", "leavers_read", "retention_days")

UserRefs = tuple[tuple[int, str], ...]
Reply = Callable[[Receipt, RoomState | None], None]


class Membership:
    """Rules of rooms and their members."""

    def __init__(self, journal: Journal, hub: Hub, rooms: Rooms, users: Users, rate: Rate) -> None:
        """`rate` is the rate of messages; users named in a change count towards it."""
        self._journal = journal
        self._hub = hub
        self._rooms = rooms
        self._users = users
        self._rate = rate

    async def perform(self, user: User, command: ChangeRoom, reply: Reply) -> None:
        """Store a change of a room. `reply` gets the receipt, and the room for a new member."""
        self._rate.charge(user.id, len(command.users or ()) / USERS_PER_MESSAGE)
        act = await self._act(user, command)
        draft = _draft(user, command, act)
        joins = isinstance(act, Create) or (isinstance(act, Enrol) and act.action == "join")
        if not joins:
            reply(await self._store(draft), None)
            return
        receipt = await self._store(draft)
        reply(receipt, await self._rooms.state(user.id, receipt.room))
        if receipt.event is not None:
            await self._hub.announce_room(
                [user.id], receipt.room, encode_events.payload(receipt.event)
            )

    async def join_invited(self, user: User, room: int, code: str, *, spends: bool = False) -> None:
        """Make the user of an invitation a member of the room that it leads to.

        `spends`: this takes one use of the invitation. Raises NotFound if the invitation does not
        lead there any more, Forbidden for an archived room, Conflict for a member.
        """
        act = Enrol("join", ((user.id, user.name),), invited=code, spends=spends)
        draft = new_draft(room, user.id, user.name, act)
        receipt = await self._store(draft)
        if receipt.event is not None:
            await self._hub.announce_room([user.id], room, encode_events.payload(receipt.event))

    async def administer_room(
        self, user: User, room: int, *, archived: bool | None, retention_days: int | None
    ) -> None:
        """Set the given properties of a room, as an administrator who need not be a member.

        Members are notified as of every change. Raises NotFound for a room without a name.
        """
        if archived is not None:
            act = Change("archive", {"archived": archived}, outside=True)
            await self._store(new_draft(room, user.id, user.name, act))
        if retention_days is not None:
            act = Change("change", {"retention_days": retention_days}, outside=True)
            await self._store(new_draft(room, user.id, user.name, act))

    async def dissolve(self, user: User, room: int) -> None:
        """End a conversation without a name, as an administrator who need not be a member.

        All members are removed. Raises NotFound for a room with a name.
        """
        await self._store(new_draft(room, user.id, user.name, Dissolve()))

    async def mute(self, user: User, room: int, *, on: bool) -> None:
        """Set whether the user mutes a room, and notify the user's other devices.

        Raises NotFound if the user is not a member.
        """
        read = await self._rooms.mute(user.id, room, on=on)
        if read is None:
            raise NotFound
        frame = protocol.Read(room=room, user=user.name, seq=read, muted=on)
        self._hub.send_ephemeral(protocol.encode(frame), user=user.id)

    async def _store(self, draft: Draft) -> Receipt:
        receipt, settle = receipt_future()
        self._journal.append(draft, settle)
        return await receipt

    # Commands to acts -----------------------------------------------------------------------------

    async def _act(self, user: User, command: ChangeRoom) -> Act:
        self_ref = ((user.id, user.name),)
        match command.action:
            case "create":
                return await self._create(user, command)
            case "join":
                return Enrol("join", self_ref)
            case "invite":
                return Enrol("invite", await self._find_users(command.users))
            case "leave":
                return Dismiss("leave", self_ref)
            case "remove":
                return Dismiss("remove", await self._find_users(command.users))
            case "archive":
                return Change("archive", {"archived": command.on})
            case "change":
                return Change("change", _changes(command))
            case "mute":
                raise AssertionError("mute is no event")
            case _:
                assert_never(command.action)

    async def _create(self, user: User, command: ChangeRoom) -> Create:
        """Return a named room, or without a name a group conversation, which is always private."""
        others = await self._find_users(command.users) if command.users else ()
        if command.name is None and not others:
            raise BadRequest(_("A room needs a name or members."))
        name = checked_room_name(command.name) if command.name is not None else None
        names = [user.name, *(name for user_id, name in others if user_id != user.id)]
        return Create(
            title=checked_title(command.title) if command.title else name or _joined(names),
            name=name,
            topic=checked_topic(command.topic or ""),
            private=bool(command.private) or name is None,
            users=others,
        )

    async def _find_users(self, names: Sequence[str] | None) -> UserRefs:
        """Return ids and names of users. Raises NotFound if any does not exist."""
        if not names:
            raise BadRequest(_("Name users in 'users'."))
        found = await self._users.ids(names)
        missing = [name for name in names if name_key(name) not in found]
        if missing:
            raise NotFound(_("There is no user named %(name)s."), name=missing[0])
        return tuple(found.values())


def _joined(names: list[str]) -> str:
    """Return the default title of a conversation: as many names as fit."""
    return ", ".join(names)[:TITLE_LENGTH].rstrip(" ,")


def _changes(command: ChangeRoom) -> dict[str, Any]:
    """Return the settings that the command names."""
    values = {k: getattr(command, k) for k in SETTINGS if getattr(command, k) is not None}
    if "name" in values:
        values["name"] = checked_room_name(values["name"])
    if "title" in values:
        values["title"] = checked_title(values["title"])
    if "topic" in values:
        values["topic"] = checked_topic(values["topic"])
    if not values:
        raise BadRequest(_("Nothing to change was given."))
    return values


def _draft(user: User, command: ChangeRoom, act: Act) -> Draft:
    if command.room is None and not isinstance(act, Create):
        raise BadRequest(_("Name a room in 'room'."))
    return new_draft(command.room or 0, user.id, user.name, act, command.id)
