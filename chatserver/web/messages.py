"""HTTP API of messages: the commands of the WebSocket, with the same replies; and search."""

from dataclasses import replace
from typing import Annotated, Any, TypeVar

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, Raw, UnsetType

from chatserver import protocol
from chatserver.chat.history import HistoryReader
from chatserver.chat.messages import MaybeAwaitable, MessageCommands
from chatserver.errors import BadRequest, _
from chatserver.protocol import encode_events
from chatserver.storage.journal import receipt_future
from chatserver.storage.search import Hit, Search
from chatserver.text import search_query
from chatserver.web import forms, time_limit
from chatserver.web.authentication import RequestAuthenticator
from chatserver.web.headers import media_type
from chatserver.web.operations import operation
from chatserver.web.query import parse_query
from chatserver.web.responses import ok
from chatserver.web.responses import rooms as responses
from chatserver.web.room_path import RoomPaths, path_part, reply_fields

T = TypeVar("T")


class EventQuery(msgspec.Struct):
    after: protocol.Position | UnsetType = UNSET  # with None the text "null" would be a position
    before: protocol.PositiveInt | UnsetType = UNSET
    limit: protocol.Limit = protocol.DEFAULT_LIMIT
    epoch: str | None = None


class SearchQuery(msgspec.Struct):
    q: str
    room: Annotated[str, Meta(max_length=100)] | None = None
    position: protocol.Position | UnsetType = UNSET
    limit: protocol.Limit = protocol.DEFAULT_LIMIT


class MessageHandlers:
    """Handlers of messages and search."""

    def __init__(
        self,
        *,
        messages: MessageCommands,
        history: HistoryReader,
        search: Search,
        paths: RoomPaths,
        authenticator: RequestAuthenticator,
    ) -> None:
        self._messages = messages
        self._history = history
        self._search = search
        self._paths = paths
        self._authenticator = authenticator

    @operation(
        "GET",
        "/api/rooms/{room}/events",
        "events",
        rate="reads",
        returns=responses.EventPage,
        query=EventQuery,
        refuses="reset",
    )
    async def events(self, request: web.Request) -> web.StreamResponse:
        """Get events of a room: all events after `after`, or the messages before `before`."""
        async with self._authenticator.authenticate_query(request) as user:
            room, query = await self._paths.room(request, user), _event_query(request)
            if query.after is not UNSET:
                page = await self._history.after(
                    user, room, query.after, limit=query.limit, epoch=query.epoch
                )
            else:
                before = _given(query.before)
                page = await self._history.before(user, room, before, query.limit)
            return ok(epoch=self._history.epoch, **msgspec.structs.asdict(page))

    @operation(
        "POST",
        "/api/rooms/{room}/messages",
        "say",
        rate="messages",
        returns=responses.StoredMessage,
        body=forms.NewMessage,
        refuses="id_conflict",
        text=True,
        created=True,
        repeats=True,
    )
    async def say(self, request: web.Request) -> web.StreamResponse:
        """Send a message to a room: JSON, or the plain text."""
        user = await self._paths.user(request)
        room = await self._paths.room(request, user)
        form = await _message(request)
        pending = _PendingReceipt(request)
        return await pending.response(
            self._messages.send(
                user,
                form.data,
                pending.settle,
                room=room,
                reply_to=form.reply_to,
                files=form.files,
                request_id=form.id,
            ),
            status=201,
        )

    @operation(
        "POST",
        "/api/direct/{user}/messages",
        "say_to_person",
        rate="messages",
        returns=responses.StoredMessage,
        body=forms.NewMessage,
        refuses="id_conflict",
        text=True,
        created=True,
        repeats=True,
    )
    async def say_to_person(self, request: web.Request) -> web.StreamResponse:
        """Send a direct message: JSON, or the plain text."""
        user = await self._paths.user(request)
        form = await _message(request)
        to = path_part(request, "user", protocol.UserName)
        pending = _PendingReceipt(request)
        return await pending.response(
            self._messages.send(
                user,
                form.data,
                pending.settle,
                to=to,
                reply_to=form.reply_to,
                files=form.files,
                request_id=form.id,
            ),
            status=201,
        )

    @operation(
        "PATCH",
        r"/api/rooms/{room}/messages/{seq:\d+}",
        "edit",
        rate="messages",
        returns=responses.StoredMessage,
        body=forms.NewText,
        refuses="id_conflict",
    )
    async def edit(self, request: web.Request) -> web.StreamResponse:
        """Replace the text of one of the user's own messages."""
        user, message = await self._paths.message(request)
        form = await forms.read(request, forms.NewText)
        pending = _PendingReceipt(request)
        return await pending.response(
            self._messages.edit(
                user, message, form.data, pending.settle, files=form.files, request_id=form.id
            )
        )

    @operation(
        "DELETE",
        r"/api/rooms/{room}/messages/{seq:\d+}",
        "delete",
        rate="messages",
        returns=responses.StoredMessage,
    )
    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Delete the text of a message."""
        user, message = await self._paths.message(request)
        pending = _PendingReceipt(request)
        self._messages.delete(user, message, pending.settle)
        return await pending.response()

    @operation(
        "PUT",
        r"/api/rooms/{room}/messages/{seq:\d+}/reactions/{emoji}",
        "react",
        rate="messages",
        returns=responses.StoredMessage,
    )
    async def react(self, request: web.Request) -> web.StreamResponse:
        """Add a reaction to a message."""
        return await self._react(request, on=True)

    @operation(
        "DELETE",
        r"/api/rooms/{room}/messages/{seq:\d+}/reactions/{emoji}",
        "take_reaction_back",
        rate="messages",
        returns=responses.StoredMessage,
    )
    async def take_reaction_back(self, request: web.Request) -> web.StreamResponse:
        """Remove a reaction."""
        return await self._react(request, on=False)

    async def _react(self, request: web.Request, *, on: bool) -> web.StreamResponse:
        user, message = await self._paths.message(request)
        emoji = path_part(request, "emoji", protocol.Emoji)
        pending = _PendingReceipt(request)
        self._messages.react(user, message, emoji, pending.settle, on=on)
        return await pending.response()

    @operation(
        "GET",
        "/api/search",
        "search",
        rate="reads",
        returns=responses.Hits,
        query=SearchQuery,
    )
    async def search(self, request: web.Request) -> web.StreamResponse:
        """Find messages that contain all words, "phrases" and prefixes* of `q` in their text or in
        names of their files, or in the text of one file, newest first. Filters: from:, in:,
        before:, after:, has: (file, image, video, audio, link), filename: (what a word of the name
        begins with).
        """
        async with self._authenticator.authenticate_query(request, heavy=True) as user:
            query = parse_query(request, SearchQuery)
            parsed = search_query.parse(query.q)
            if query.room is not None:
                parsed = replace(parsed, room=query.room)
            before, limit = _given(query.position), query.limit
            found = await self._search.find(user.id, parsed, before=before, limit=limit)
        return ok(
            hits=[_hit_fields(hit) for hit in found.hits],
            more=found.more,
            position=found.position,
        )


def _given(value: T | UnsetType) -> T | None:
    return None if value is UNSET else value


def _hit_fields(hit: Hit) -> dict[str, Any]:
    """Return the fields of a hit that are set; `files` is JSON already."""
    fields: dict[str, Any] = msgspec.to_builtins(hit)
    files = {"files": Raw(hit.files.encode())} if hit.files else {}
    del fields["files"]
    return {key: value for key, value in fields.items() if value is not None} | files


def _event_query(request: web.Request) -> EventQuery:
    query = parse_query(request, EventQuery)
    if query.after is not UNSET and query.before is not UNSET:
        raise BadRequest(_("Use either 'after' or 'before'."))
    return query


async def _message(request: web.Request) -> forms.NewMessage:
    if media_type(request)[0] != "text/plain":
        return await forms.read(request, forms.NewMessage)
    return forms.NewMessage(forms.read_text(request))


class _PendingReceipt:
    """Waits for the journal without a time limit, because its answer is certain."""

    def __init__(self, request: web.Request) -> None:
        time_limit.lift(request)
        self._receipt, self.settle = receipt_future()

    async def response(
        self, rendering: MaybeAwaitable = None, *, status: int = 200
    ) -> web.Response:
        """Return the response: 200 instead of 201 if the message repeats an earlier request."""
        if rendering is not None:
            await rendering
        done = await self._receipt
        reply = reply_fields(encode_events.stored(done, ""))
        return ok(status=200 if done.duplicate else status, **reply)
