"""HTTP API of rooms and messages: the commands of the WebSocket, with the same replies."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated, Any, TypeVar

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, UnsetType

from chatserver import protocol
from chatserver.chat.history import History
from chatserver.chat.membership import Membership
from chatserver.chat.messages import Chat, Rendering
from chatserver.errors import BadRequest, NotFound, _
from chatserver.models import Receipt, RoomState, User, name_key
from chatserver.protocol import encode_events
from chatserver.storage.journal import Settle, receipt_future
from chatserver.storage.rooms import Rooms
from chatserver.storage.search import Search
from chatserver.text import search_terms
from chatserver.web import forms, time_limit
from chatserver.web.answer import ok
from chatserver.web.authentication import Sessions
from chatserver.web.headers import media_type
from chatserver.web.listing import PAGE, stream_pages
from chatserver.web.query import convert, parse_query

T = TypeVar("T")

Send = Callable[[Settle], Rendering | None]


class Conversation:
    """Handlers of rooms, members and messages. `{room}` is a number or a name."""

    def __init__(
        self,
        *,
        chat: Chat,
        history: History,
        membership: Membership,
        rooms: Rooms,
        search: Search,
        sessions: Sessions,
    ) -> None:
        self._chat = chat
        self._history = history
        self._membership = membership
        self._rooms = rooms
        self._search = search
        self._sessions = sessions

    # Rooms ----------------------------------------------------------------------------------------

    async def rooms(self, request: web.Request) -> web.StreamResponse:
        """List the user's rooms by number, and the rooms that the user may join by name.

        At most ROOMS_LIMIT of each; `rooms_after` or `public_after` continues one of the lists.
        """
        command = parse_query(request, _RoomsQuery)
        async with self._sessions.authenticate_query(request) as user:
            own = {} if command.public_after else await self._own_rooms(user, command.rooms_after)
            public = {} if command.rooms_after else await self._public_rooms(command.public_after)
            return ok(**own, **public)

    async def _own_rooms(self, user: User, after: int) -> dict[str, Any]:
        states, following = await self._history.rooms_after(user, after)
        more = {} if following is None else {"rooms_more": True, "rooms_after": following}
        return {"rooms": [_state(state) for state in states], **more}

    async def _public_rooms(self, after: str) -> dict[str, Any]:
        found, following = await self._rooms.public(after)
        more = {} if following is None else {"public_more": True, "public_after": following}
        return {"public": [msgspec.to_builtins(room) for room in found], **more}

    async def create(self, request: web.Request) -> web.StreamResponse:
        form = await forms.read(request, forms.NewRoom)
        return await self._change(request, form, action="create", status=201)

    async def room(self, request: web.Request) -> web.StreamResponse:
        """Return the room as the user sees it: in full for members, the public part for others."""
        async with self._sessions.authenticate_query(request) as user:
            room = await self._room(request, user)
            state = await self._rooms.state(user.id, room)
            if state is not None:
                return ok(**_state(state))
            public = await self._rooms.public_room(room)
            if public is None:
                raise NotFound
            return ok(**msgspec.to_builtins(public))

    async def change(self, request: web.Request) -> web.StreamResponse:
        """Set what is given: properties of the room, `archived`, or the user's `muted`."""
        form = await forms.read(request, forms.RoomChange)
        named = {key for key, value in msgspec.to_builtins(form).items() if value is not None}
        if named & {"muted", "archived"} and len(named - {"id"}) > 1:
            raise BadRequest("'muted' and 'archived' are set by themselves.")
        if form.muted is not None:
            user = await self._user(request)
            room = await self._room(request, user)
            await self._membership.mute(user, room, on=form.muted)
            return ok(room=room, muted=form.muted)
        if form.archived is not None:
            archive = forms.OnlyId(form.id)
            return await self._change(request, archive, action="archive", on=form.archived)
        return await self._change(request, form, action="change")

    # Members --------------------------------------------------------------------------------------

    async def members(self, request: web.Request) -> web.StreamResponse:
        """List the members, and their read positions if the room shows receipts."""
        async with self._sessions.authenticate_query(request) as user:
            room = await self._room(request, user)
            state = await self._rooms.state(user.id, room)
            if state is None:
                raise NotFound
            hidden = set() if state.receipts else {"read"}

            async def pages() -> AsyncGenerator[list[dict[str, Any]]]:
                async with aclosing(self._rooms.member_pages(room, PAGE)) as found:
                    async for page in found:
                        yield [_without(msgspec.to_builtins(one), hidden) for one in page]

            return await stream_pages(request, "members", pages(), room=room)

    async def enrol(self, request: web.Request) -> web.StreamResponse:
        """Invite `users`, or join if there are none."""
        form = await forms.read(request, forms.NewMembers)
        action = "invite" if form.users else "join"
        return await self._change(request, form, action=action, status=201)

    async def dismiss(self, request: web.Request) -> web.StreamResponse:
        """Remove a member, or leave the room."""
        user, name = await self._user(request), _part(request, "user", protocol.UserName)
        if name_key(name) == name_key(user.name):
            return await self._change(request, forms.OnlyId(), action="leave")
        form = forms.NewMembers(users=[name])
        return await self._change(request, form, action="remove")

    async def _change(
        self, request: web.Request, form: Any, *, action: str, status: int = 200, **facts: Any
    ) -> web.Response:
        user = await self._user(request)
        facts |= {k: v for k, v in msgspec.to_builtins(form).items() if k in _COMMAND_FIELDS}
        if action != "create":
            facts["room"] = await self._room(request, user)
        command = protocol.ChangeRoom(action=action, **{"id": None, **facts})  # type: ignore[arg-type]
        answers: list[tuple[Receipt, RoomState | None]] = []
        await self._membership.perform(user, command, lambda *answer: answers.append(answer))
        ((receipt, state),) = answers
        status = 200 if receipt.duplicate else status
        return ok(status=status, **_reply_fields(encode_events.room_changed(receipt, "", state)))

    # Messages -------------------------------------------------------------------------------------

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Return a range of events with the log's `epoch`: `after` or `before`, and `limit`."""
        async with self._sessions.authenticate_query(request) as user:
            room, command = await self._room(request, user), _event_query(request)
            if command.after is not UNSET:
                page = await self._history.after(
                    user, room, command.after, limit=command.limit, epoch=command.epoch
                )
            else:
                before = _given(command.before)
                page = await self._history.before(user, room, before, command.limit)
            return ok(epoch=self._history.epoch, **msgspec.structs.asdict(page))

    async def say(self, request: web.Request) -> web.StreamResponse:
        """Send a message: JSON, or plain text as its content."""
        user = await self._user(request)
        room = await self._room(request, user)
        form = await _message(request)
        command = protocol.SayToRoom(data=form.data, room=room, id=form.id, reply_to=form.reply_to)
        return await _store(
            request, lambda settle: self._chat.send_message(user, command, settle), 201
        )

    async def say_to_person(self, request: web.Request) -> web.StreamResponse:
        user = await self._user(request)
        form = await _message(request)
        to = _part(request, "user", protocol.UserName)
        command = protocol.SayToPerson(data=form.data, to=to, id=form.id, reply_to=form.reply_to)
        return await _store(
            request, lambda settle: self._chat.send_message(user, command, settle), 201
        )

    async def edit(self, request: web.Request) -> web.StreamResponse:
        user, room, seq = await self._message_of(request)
        form = await forms.read(request, forms.NewText)
        command = protocol.EditMessage(id=form.id, room=room, target=seq, data=form.data)  # type: ignore[arg-type]
        return await _store(request, lambda settle: self._chat.edit(user, command, settle))

    async def delete(self, request: web.Request) -> web.StreamResponse:
        user, room, seq = await self._message_of(request)
        command = protocol.DeleteMessage(id=None, room=room, target=seq)  # type: ignore[arg-type]
        return await _store(request, lambda settle: self._chat.delete(user, command, settle))

    async def react(self, request: web.Request) -> web.StreamResponse:
        """Add a reaction (PUT) or remove it (DELETE)."""
        user, room, seq = await self._message_of(request)
        emoji, on = _part(request, "emoji", protocol.Emoji), request.method == "PUT"
        command = protocol.ReactTo(id=None, room=room, target=seq, emoji=emoji, on=on)  # type: ignore[arg-type]
        return await _store(request, lambda settle: self._chat.react(user, command, settle))

    # Search ---------------------------------------------------------------------------------------

    async def search(self, request: web.Request) -> web.StreamResponse:
        """Return messages that match `q`, newest first; `position` continues after a page."""
        async with self._sessions.authenticate_query(request, heavy=True) as user:
            command = parse_query(request, _SearchQuery)
            query = search_terms.parse(command.q)
            if command.room is not None:
                query = replace(query, room=command.room)
            before, limit = _given(command.position), command.limit
            found = await self._search.find(user.id, query, before=before, limit=limit)
        return ok(
            hits=[_without_nulls(msgspec.to_builtins(hit)) for hit in found.hits],
            more=found.more,
            position=found.position,
        )

    # Parts of a request ---------------------------------------------------------------------------

    async def _user(self, request: web.Request) -> User:
        return (await self._sessions.authenticate(request)).user

    async def _room(self, request: web.Request, user: User) -> int:
        """Return the number of the room in the path. Raises NotFound."""
        named = request.match_info["room"]
        if named.isascii() and named.isdigit():
            number = int(named[:20])
            if not 1 <= number <= protocol.MAX_INT:
                raise NotFound
            return number
        room = await self._rooms.find_by_name(named, user.id)
        if room is None:
            raise NotFound
        return room

    async def _message_of(self, request: web.Request) -> tuple[User, int, int]:
        user = await self._user(request)
        room = await self._room(request, user)
        return user, room, min(int(request.match_info["seq"][:20]), protocol.MAX_INT)


_COMMAND_FIELDS = frozenset(protocol.ChangeRoom.__struct_fields__) - {"action"}


class _EventQuery(msgspec.Struct):
    after: protocol.Position | UnsetType = UNSET  # with None the text "null" would be a position
    before: protocol.Number | UnsetType = UNSET
    limit: protocol.Limit = protocol.PAGE
    epoch: str | None = None


class _RoomsQuery(msgspec.Struct):
    rooms_after: protocol.Position = 0
    public_after: str = ""


class _SearchQuery(msgspec.Struct):
    q: str
    room: Annotated[str, Meta(max_length=100)] | None = None
    position: protocol.Position | UnsetType = UNSET
    limit: protocol.Limit = protocol.PAGE


def _part(request: web.Request, name: str, shape: type[T]) -> T:
    """Convert a part of the path to that type, since commands do not check. Raises BadRequest."""
    return convert(request.match_info[name], shape)


def _given(value: T | UnsetType) -> T | None:
    return None if value is UNSET else value


def _without(facts: dict[str, Any], hidden: set[str]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if key not in hidden}


def _without_nulls(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if value is not None}


def _event_query(request: web.Request) -> _EventQuery:
    command = parse_query(request, _EventQuery)
    if command.after is not UNSET and command.before is not UNSET:
        raise BadRequest(_("Name 'after' or 'before', not both."))
    return command


async def _message(request: web.Request) -> forms.NewMessage:
    if media_type(request)[0] != "text/plain":
        return await forms.read(request, forms.NewMessage)
    return forms.NewMessage(forms.read_text(request))


async def _store(request: web.Request, send: Send, status: int = 200) -> web.Response:
    """Wait for the journal without a time limit, because its answer is certain."""
    time_limit.lift(request)
    receipt, settle = receipt_future()
    if (work := send(settle)) is not None:
        await work
    done = await receipt
    return ok(
        status=200 if done.duplicate else status, **_reply_fields(encode_events.stored(done, ""))
    )


def _reply_fields(answer: msgspec.Struct) -> dict[str, Any]:
    """Return the fields of a reply, without those for the WebSocket only."""
    facts: dict[str, Any] = msgspec.to_builtins(answer)
    return {key: value for key, value in facts.items() if key not in ("type", "id", "ok")}


def _state(state: RoomState) -> dict[str, Any]:
    facts: dict[str, Any] = msgspec.to_builtins(encode_events.welcome_room(state))
    return facts
