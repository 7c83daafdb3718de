"""HTTP API of rooms and members: the commands of the WebSocket, with the same replies."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from chatserver import protocol
from chatserver.chat.room_commands import (
    RoomCommands,
    RoomCreation,
    RoomOutcome,
    RoomRequest,
    RoomSettings,
)
from chatserver.errors import BadRequest, NotFound, _
from chatserver.models import RoomKind, RoomState, User, name_key
from chatserver.protocol import encode_events
from chatserver.storage.rooms import Rooms
from chatserver.web import forms
from chatserver.web.authentication import RequestAuthenticator
from chatserver.web.listing import PAGE_ENTRIES, stream_pages
from chatserver.web.operations import operation
from chatserver.web.query import parse_query
from chatserver.web.responses import ok
from chatserver.web.responses import rooms as responses
from chatserver.web.room_path import RoomPaths, path_part, reply_fields


class RoomsQuery(msgspec.Struct):
    rooms_after: protocol.Position = 0
    public_after: str = ""


class RoomHandlers:
    """Handlers of rooms and members."""

    def __init__(
        self,
        *,
        room_commands: RoomCommands,
        rooms: Rooms,
        paths: RoomPaths,
        authenticator: RequestAuthenticator,
        folder: Path,
    ) -> None:
        """Create the handlers; `folder` is for temporary files."""
        self._room_commands = room_commands
        self._rooms = rooms
        self._paths = paths
        self._authenticator = authenticator
        self._folder = folder

    # Rooms ----------------------------------------------------------------------------------------

    @operation(
        "GET", "/api/rooms", "rooms", rate="reads", returns=responses.RoomList, query=RoomsQuery
    )
    async def rooms(self, request: web.Request) -> web.StreamResponse:
        """List the user's rooms, and rooms that the user can join.

        At most ROOMS_LIMIT of each; `rooms_after` or `public_after` continues one of the lists.
        """
        query = parse_query(request, RoomsQuery)
        async with self._authenticator.authenticate_query(request) as user:
            own = {} if query.public_after else await self._own_rooms(user, query.rooms_after)
            public = {} if query.rooms_after else await self._public_rooms(query.public_after)
            return ok(**own, **public)

    async def _own_rooms(self, user: User, after: int) -> dict[str, Any]:
        states, following = await self._rooms.page_after(user.id, after)
        more = {} if following is None else {"rooms_more": True, "rooms_after": following}
        return {"rooms": [_state(state) for state in states], **more}

    async def _public_rooms(self, after: str) -> dict[str, Any]:
        found, following = await self._rooms.public(after)
        more = {} if following is None else {"public_more": True, "public_after": following}
        return {"public": [msgspec.to_builtins(room) for room in found], **more}

    @operation(
        "POST",
        "/api/rooms",
        "create_room",
        rate="messages",
        returns=responses.ChangedRoom,
        body=forms.NewRoom,
        refuses="conflict id_conflict not_found",
        created=True,
        repeats=True,
    )
    async def create(self, request: web.Request) -> web.StreamResponse:
        """Create a room, or with `users` only a conversation."""
        form = await forms.read(request, forms.NewRoom)
        user = await self._paths.user(request)
        room = RoomCreation(form.name, form.title, form.topic, form.private, form.users)
        outcome = await self._room_commands.create(RoomRequest(user, form.id), room)
        return _changed(outcome, status=201)

    @operation(
        "GET",
        "/api/rooms/{room}",
        "room",
        rate="reads",
        returns=(responses.OwnRoom, responses.OpenRoom),
    )
    async def room(self, request: web.Request) -> web.StreamResponse:
        """Get a room; users who are not members see public details only."""
        async with self._authenticator.authenticate_query(request) as user:
            room = await self._paths.room(request, user)
            state = await self._rooms.state(user.id, room)
            if state is not None:
                return ok(**_state(state))
            public = await self._rooms.public_room(room)
            if public is None:
                raise NotFound
            return ok(**msgspec.to_builtins(public))

    @operation(
        "PATCH",
        "/api/rooms/{room}",
        "change_room",
        rate="messages",
        returns=(responses.ChangedRoom, responses.MutedRoom, responses.FavoredRoom),
        body=forms.RoomChange,
        refuses="conflict id_conflict",
    )
    async def change(self, request: web.Request) -> web.StreamResponse:
        """Set the given fields. `muted` and `favorite`, which are the user's, and `archived` must
        be the only field.
        """
        form = await forms.read(request, forms.RoomChange)
        named = {key for key, value in msgspec.to_builtins(form).items() if value is not None}
        if named & {"muted", "favorite", "archived"} and len(named - {"id"}) > 1:
            raise BadRequest(
                _("'muted', 'favorite' and 'archived' cannot be combined with other fields.")
            )
        user = await self._paths.user(request)
        room = await self._paths.room(request, user)
        if form.muted is not None:
            await self._room_commands.mute(user, room, on=form.muted)
            return ok(room=room, muted=form.muted)
        if form.favorite is not None:
            await self._room_commands.favor(user, room, on=form.favorite)
            return ok(room=room, favorite=form.favorite)
        change = RoomRequest(user, form.id)
        if form.archived is not None:
            receipt = await self._room_commands.archive(change, room, on=form.archived)
        else:
            settings = RoomSettings(**{name: getattr(form, name) for name in RoomSettings._fields})
            receipt = await self._room_commands.change(change, room, settings)
        return _changed(RoomOutcome(receipt))

    # Members --------------------------------------------------------------------------------------

    @operation(
        "GET",
        "/api/rooms/{room}/members",
        "members",
        rate="reads",
        returns=responses.MemberList,
    )
    async def members(self, request: web.Request) -> web.StreamResponse:
        """List the members of a room."""
        async with self._authenticator.authenticate_query(request) as user:
            room = await self._paths.room(request, user)
            state = await self._rooms.state(user.id, room)
            if state is None:
                raise NotFound
            hidden = set() if state.receipts else {"read"}
            can_return = state.kind == RoomKind.GROUP and state.name is None
            former = {"former": await self._rooms.former_members(room)} if can_return else {}

            async def pages() -> AsyncGenerator[list[dict[str, Any]]]:
                async with aclosing(self._rooms.member_pages(room, PAGE_ENTRIES)) as found:
                    async for page in found:
                        yield [_without(msgspec.to_builtins(one), hidden) for one in page]

            return await stream_pages(
                request, "members", pages(), spool=self._folder, room=room, **former
            )

    @operation(
        "POST",
        "/api/rooms/{room}/members",
        "add_members",
        rate="messages",
        returns=responses.ChangedRoom,
        body=forms.NewMembers,
        refuses="conflict id_conflict",
        created=True,
        repeats=True,
    )
    async def add_members(self, request: web.Request) -> web.StreamResponse:
        """Invite `users`; without `users`, join.

        Only former members can be invited to a conversation without a name.
        """
        form = await forms.read(request, forms.NewMembers)
        user = await self._paths.user(request)
        room = await self._paths.room(request, user)
        change = RoomRequest(user, form.id)
        if not form.users:
            joined = await self._room_commands.join(change, room)
            return _changed(joined, status=201)
        receipt = await self._room_commands.invite(change, room, form.users)
        return _changed(RoomOutcome(receipt), status=201)

    @operation(
        "DELETE",
        "/api/rooms/{room}/members/{user}",
        "remove_member",
        rate="messages",
        returns=responses.ChangedRoom,
    )
    async def remove_member(self, request: web.Request) -> web.StreamResponse:
        """Remove a member, or leave the room."""
        user, name = await self._paths.user(request), path_part(request, "user", protocol.UserName)
        room = await self._paths.room(request, user)
        if name_key(name) == name_key(user.name):
            return _changed(RoomOutcome(await self._room_commands.leave(RoomRequest(user), room)))
        return _changed(
            RoomOutcome(await self._room_commands.remove(RoomRequest(user), room, [name]))
        )


def _changed(outcome: RoomOutcome, *, status: int = 200) -> web.Response:
    """Return the response to a change: 200 instead of 201 if it repeats an earlier request."""
    reply = encode_events.room_changed(outcome.receipt, "", outcome.state)
    return ok(status=200 if outcome.receipt.duplicate else status, **reply_fields(reply))


def _without(fields: dict[str, Any], hidden: set[str]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key not in hidden}


def _state(state: RoomState) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(encode_events.welcome_room(state))
    return fields
