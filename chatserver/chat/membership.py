"""Who belongs where: rooms made, joined, left, changed and muted.

The rules about rights are checked in the storing transaction (`storage.acts`); here requests become
acts, and whoever became a member is shown the room.
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
from chatserver.storage.journal import Journal, promise
from chatserver.storage.rooms import Rooms
from chatserver.storage.users import People
from chatserver.text.names import TITLE_LENGTH, checked_room_name, checked_title, checked_topic

NAMED = 25  # users whom a change of a room names that count as one more message

SETTINGS = ("name", "title", "topic", "private", "receipts", "leavers_read", "retention_days")

People_ = tuple[tuple[int, str], ...]
Answer = Callable[[Receipt, RoomState | None], None]


class Membership:
    """What people can do with rooms and their members."""

    def __init__(
        self, journal: Journal, hub: Hub, rooms: Rooms, people: People, rate: Rate
    ) -> None:
        """`rate` is the one of messages: whom a change names is charged to its author."""
        self._journal = journal
        self._hub = hub
        self._rooms = rooms
        self._people = people
        self._rate = rate

    async def perform(self, who: User, asked: ChangeRoom, answer: Answer) -> None:
        """Store a change of a room. `answer` gets the receipt, and the room for a new member."""
        self._rate.charge(who.id, len(asked.users or ()) / NAMED)
        act = await self._act(who, asked)
        draft = _draft(who, asked, act)
        own = isinstance(act, Create) or (isinstance(act, Enrol) and act.action == "join")
        if not own:
            answer(await self._stored(draft), None)
            return
        receipt = await self._stored(draft)
        answer(receipt, await self._rooms.state(who.id, receipt.room))
        if receipt.event is not None:
            await self._hub.announce_room(
                [who.id], receipt.room, encode_events.payload(receipt.event)
            )

    async def enter(self, who: User, room: int, code: str, *, spends: bool = False) -> None:
        """Make the user of an invitation a member of the room that it leads into.

        `spends`: this takes one use of the invitation. Raises NotFound when it leads there no
        more, Forbidden for an archived room, Conflict for a member.
        """
        act = Enrol("join", ((who.id, who.name),), invited=code, spends=spends)
        draft = new_draft(room, who.id, who.name, act)
        receipt = await self._stored(draft)
        if receipt.event is not None:
            await self._hub.announce_room([who.id], room, encode_events.payload(receipt.event))

    async def oversee(
        self, who: User, room: int, *, archived: bool | None, retention_days: int | None
    ) -> None:
        """Set what is given of a room, as an administrator who need not belong to it.

        Its members are told, as of every change. Raises NotFound for a room without a name.
        """
        if archived is not None:
            act = Change("archive", {"archived": archived}, outside=True)
            await self._stored(new_draft(room, who.id, who.name, act))
        if retention_days is not None:
            act = Change("change", {"retention_days": retention_days}, outside=True)
            await self._stored(new_draft(room, who.id, who.name, act))

    async def dissolve(self, who: User, room: int) -> None:
        """End a conversation without a name, as an administrator who need not belong to it.

        Its members are removed from it. Raises NotFound for a room with a name.
        """
        await self._stored(new_draft(room, who.id, who.name, Dissolve()))

    async def mute(self, who: User, room: int, *, on: bool) -> None:
        """Set whether a room may disturb this person, and tell that person's devices.

        Raises NotFound for no member.
        """
        read = await self._rooms.mute(who.id, room, on=on)
        if read is None:
            raise NotFound
        told = protocol.Read(room=room, user=who.name, seq=read, muted=on)
        self._hub.send_ephemeral(protocol.encode(told), user=who.id)

    async def _stored(self, draft: Draft) -> Receipt:
        receipt, settle = promise()
        self._journal.append(draft, settle)
        return await receipt

    # Requests to acts -----------------------------------------------------------------------------

    async def _act(self, who: User, asked: ChangeRoom) -> Act:
        itself = ((who.id, who.name),)
        match asked.action:
            case "create":
                return await self._create(who, asked)
            case "join":
                return Enrol("join", itself)
            case "invite":
                return Enrol("invite", await self._named(asked.users))
            case "leave":
                return Dismiss("leave", itself)
            case "remove":
                return Dismiss("remove", await self._named(asked.users))
            case "archive":
                return Change("archive", {"archived": asked.on})
            case "change":
                return Change("change", _changes(asked))
            case "mute":
                raise AssertionError("mute is no event")
            case _:
                assert_never(asked.action)

    async def _create(self, who: User, asked: ChangeRoom) -> Create:
        """With a name a room; without one a conversation of just these people, for ever private."""
        others = await self._named(asked.users) if asked.users else ()
        if asked.name is None and not others:
            raise BadRequest(_("A room needs a name or members."))
        name = checked_room_name(asked.name) if asked.name is not None else None
        names = [who.name, *(name for user_id, name in others if user_id != who.id)]
        return Create(
            title=checked_title(asked.title) if asked.title else name or _joined(names),
            name=name,
            topic=checked_topic(asked.topic or ""),
            private=bool(asked.private) or name is None,
            users=others,
        )

    async def _named(self, names: Sequence[str] | None) -> People_:
        """The accounts of these names. Raises NotFound when there is nobody of one of them."""
        if not names:
            raise BadRequest(_("Name users in 'users'."))
        found = await self._people.ids(names)
        missing = [name for name in names if name_key(name) not in found]
        if missing:
            raise NotFound(_("There is no user named %(name)s."), name=missing[0])
        return tuple(found.values())


def _joined(names: list[str]) -> str:
    """The title of a conversation that got none: as many names as find room."""
    return ", ".join(names)[:TITLE_LENGTH].rstrip(" ,")


def _changes(asked: ChangeRoom) -> dict[str, Any]:
    """What is to be set; only what was named."""
    values = {k: getattr(asked, k) for k in SETTINGS if getattr(asked, k) is not None}
    if "name" in values:
        values["name"] = checked_room_name(values["name"])
    if "title" in values:
        values["title"] = checked_title(values["title"])
    if "topic" in values:
        values["topic"] = checked_topic(values["topic"])
    if not values:
        raise BadRequest(_("Nothing to change was given."))
    return values


def _draft(who: User, asked: ChangeRoom, act: Act) -> Draft:
    if asked.room is None and not isinstance(act, Create):
        raise BadRequest(_("Name a room in 'room'."))
    return new_draft(asked.room or 0, who.id, who.name, act, asked.id)
