"""What comes in on a socket: each frame a request, performed and answered. Read downwards.

Whatever fails answers the request that failed, and no other.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import assert_never

import msgspec

from chatserver import protocol
from chatserver.accounts.accounts import Accounts
from chatserver.chat.history import History
from chatserver.chat.membership import Membership
from chatserver.chat.messages import Chat
from chatserver.errors import (
    BadRequest,
    ChatError,
    CloseCode,
    Disconnect,
    Forbidden,
    RateLimited,
    _,
)
from chatserver.limits import Rate
from chatserver.models import Receipt, RoomState
from chatserver.protocol import encode_events
from chatserver.realtime.connection import Connection
from chatserver.realtime.hub import Hub
from chatserver.realtime.read_positions import ReadPositions
from chatserver.storage.journal import Settle
from chatserver.web import time_limit
from chatserver.web.language import Language
from chatserver.web.rates import Rates
from chatserver.web.turns import Turns

MISTAKES = (1, 100)  # a second and at once, of one socket; more is abuse
SIGNALS = (100, 1_000)  # a second and at once, of one socket: what costs nobody a question

logger = logging.getLogger(__name__)


class Dispatcher:
    """Performs what sockets ask for."""

    def __init__(
        self,
        *,
        chat: Chat,
        history: History,
        membership: Membership,
        reads: ReadPositions,
        accounts: Accounts,
        hub: Hub,
        rates: Rates,
        languages: dict[str, Language],
        frame_bytes: int,
        clock: Callable[[], float],
    ) -> None:
        """`clock` gives monotonic seconds."""
        self._chat = chat
        self._history = history
        self._membership = membership
        self._reads = reads
        self._accounts = accounts
        self._hub = hub
        self._languages = languages
        self._frame_bytes = frame_bytes
        self._rates = rates.by_command()
        self._turns = Turns()
        self._mistakes = Rate(*MISTAKES, clock)
        self._signals = Rate(*SIGNALS, clock)
        self._holding: list[Connection] = []  # until the end of this turn of the loop
        self.refusals: Counter[str] = Counter()  # by code, since the start
        self.catch_ups = 0  # requests

    def answer(self, connection: Connection, data: str | bytes) -> Awaitable[None] | None:
        """Perform what a frame asks for: at once, or when what is returned has been awaited."""
        request_id = None
        try:
            command = protocol.decode(data, limit=self._frame_bytes)
            request_id = getattr(command, "id", None)
            if (rate := self._rates.get(type(command))) is not None:
                rate.take(connection.user.id)
            work = self._perform(connection, command)
        except Exception as error:
            self._failed(connection, error, request_id)
            return self._breath(connection) if isinstance(error, RateLimited) else None
        return None if work is None else self._finish(connection, work, request_id)

    def forget(self, connection: Connection) -> None:
        """It is gone."""
        self._mistakes.forget(connection)
        self._signals.forget(connection)

    async def _finish(
        self, connection: Connection, work: Awaitable[None], request_id: str | None
    ) -> None:
        try:
            await work
        except Exception as error:
            self._failed(connection, error, request_id)
            if isinstance(error, RateLimited) and (breath := self._breath(connection)):
                await breath

    def _breath(self, connection: Connection) -> Awaitable[None] | None:
        """What a line waits for when it sends signals faster than anybody can mean them.

        Each is cheap, but a flood of them would keep everybody else from their turn.
        """
        try:
            self._signals.take(connection)
        except RateLimited as error:
            return asyncio.sleep(error.retry_after)
        return None

    def _failed(self, connection: Connection, error: Exception, request_id: str | None) -> None:
        match error:
            case protocol.Undecodable():
                self._refuse(connection, error.error, error.id)
                self._count_mistake(connection)
            case ChatError():
                self._refuse(connection, error, request_id)
            case Disconnect():
                self._hub.expire(connection, error.code)
            case _:
                facts = {"user": connection.user.name}
                logger.error("a command failed", exc_info=error, extra=facts)
                self._refuse(connection, ChatError(), request_id)

    def _refuse(self, connection: Connection, error: ChatError, request_id: str | None) -> None:
        self.refusals[error.code] += 1
        logger.debug("refused", extra={"user": connection.user.name, "code": error.code})
        sentence = self._languages[connection.locale].refusal(error)
        connection.reply(
            protocol.encode(encode_events.refusal(error, request_id, sentence=sentence))
        )

    def _count_mistake(self, connection: Connection) -> None:
        try:
            self._mistakes.take(connection)
        except RateLimited:
            self._hub.hang_up(connection, CloseCode.ABUSE, "too many frames that make no sense")

    def _perform(self, connection: Connection, command: protocol.Command) -> Awaitable[None] | None:
        user = connection.user
        match command:
            case protocol.SayToRoom() | protocol.SayToPerson():
                settle = self._receipt(connection, command.id)
                return self._chat.send_message(user, command, settle)
            case protocol.EditMessage():
                return self._chat.edit(user, command, self._receipt(connection, command.id))
            case protocol.DeleteMessage():
                self._chat.delete(user, command, self._receipt(connection, command.id))
            case protocol.ReactTo():
                self._chat.react(user, command, self._receipt(connection, command.id))
            case protocol.ChangeRoom():
                return _answered(connection, partial(self._change_room, connection, command))
            case protocol.StartTyping():
                self._reads.typing(connection, command.room)
                return self._breath(connection)
            case protocol.MarkRead():
                self._reads.read(connection, command.room, command.seq)
                return self._breath(connection)
            case protocol.History():
                return time_limit.read(self._read(connection, command))
            case protocol.Renew():
                return _answered(connection, partial(self._renew, connection, command))
            case _:
                assert_never(command)
        return None

    def _receipt(self, connection: Connection, request_id: str | None) -> Settle:
        """Answers a message once its fate is known.

        A client that sent no id hears of refusals only.
        """

        def settle(outcome: Receipt | ChatError) -> None:
            if isinstance(outcome, ChatError):
                self._refuse(connection, outcome, request_id)
            elif request_id is not None:
                self._hold(connection, protocol.encode(encode_events.stored(outcome, request_id)))

        return settle

    def _hold(self, connection: Connection, answer: bytes) -> None:
        """It goes out with the event itself, which follows at once where the sender hears it."""
        if not self._holding:
            asyncio.get_running_loop().call_soon(self._flush)
        self._holding.append(connection)
        connection.hold(answer)

    def _flush(self) -> None:
        holding, self._holding = self._holding, []
        for connection in holding:
            connection.flush()

    async def _change_room(
        self, connection: Connection, asked: protocol.ChangeRoom, reply: "Reply"
    ) -> None:
        if asked.action == "mute":
            if asked.room is None:
                raise BadRequest(_("Name a room in 'room'."))
            await self._membership.mute(connection.user, asked.room, on=asked.on)
            muted = protocol.Muted(id=asked.id, ok=True, room=asked.room, muted=asked.on)
            reply.send(muted)
            return

        def answer(receipt: Receipt, state: RoomState | None) -> None:
            reply.send(encode_events.room_changed(receipt, asked.id, state))

        await self._membership.perform(connection.user, asked, answer)

    # Questions ------------------------------------------------------------------------------------

    async def _read(self, connection: Connection, asked: protocol.History) -> None:
        async with self._turns.turn(connection.user.id):
            connection.reply(protocol.encode(await self._events(connection, asked)))

    async def _events(
        self, connection: Connection, asked: protocol.History
    ) -> protocol.HistoryPage | protocol.CatchUp | protocol.MoreRooms:
        if asked.rooms_after is not None:
            return await self._more_rooms(connection, asked, asked.rooms_after)
        if asked.rooms is not None:
            return await self._catch_up(connection, asked, asked.rooms)
        if asked.room is None:
            raise BadRequest(_("Name a room in 'room', or positions in 'rooms'."))
        page = await self._page(connection, asked, asked.room)
        return protocol.HistoryPage(id=asked.id, ok=True, **msgspec.structs.asdict(page))

    async def _page(
        self, connection: Connection, asked: protocol.History, room: int
    ) -> protocol.RoomPage:
        user = connection.user
        if asked.after is None:
            return await self._history.before(user, room, asked.before, asked.limit)
        if asked.before is not None:
            raise BadRequest(_("Name 'after' or 'before', not both."))
        self.catch_ups += 1
        cursors = partial(self._hub.cursors, connection)
        return await self._history.after(
            user, room, asked.after, limit=asked.limit, epoch=asked.epoch, cursors=cursors
        )

    async def _catch_up(
        self, connection: Connection, asked: protocol.History, positions: dict[int, int]
    ) -> protocol.CatchUp:
        self.catch_ups += 1
        cursors = partial(self._hub.cursors, connection)
        pages, gone = await self._history.catch_up(connection.user, positions, asked.epoch, cursors)
        return protocol.CatchUp(
            id=asked.id, ok=True, epoch=self._history.epoch, rooms=pages, gone=gone
        )

    async def _more_rooms(
        self, connection: Connection, asked: protocol.History, after: int
    ) -> protocol.MoreRooms:
        states, following = await self._history.rooms_after(
            connection.user, after, but=connection.welcome_rooms
        )
        return protocol.MoreRooms(
            id=asked.id,
            ok=True,
            rooms=[encode_events.welcome_room(state) for state in states],
            rooms_more=following is not None,
            rooms_after=following,
        )

    async def _renew(self, connection: Connection, asked: protocol.Renew, reply: "Reply") -> None:
        if asked.token is not None:
            await self._adopt(connection, asked.token)
        expires_at, token = await self._accounts.renew(connection.session_id, connection.lifetime)
        connection.expires_at = expires_at
        reply.send(protocol.Renewed(id=asked.id, ok=True, expires_at=expires_at, token=token))

    async def _adopt(self, connection: Connection, token: str) -> None:
        """Go on under the session of a newer token of the same person."""
        with self._hub.connecting() as arrival:
            newer = await self._accounts.authenticate(token)
            while arrival.has_moved(newer.user.id):
                newer = await self._accounts.authenticate(token)
            if newer.user.id != connection.user.id:
                raise Forbidden(_("This token belongs to another user."))
            arrival.check(newer.session.id, newer.user.id)
            connection.use_session(
                newer.session.id, newer.expires_at, newer.token.lifetime, newer.token.key
            )


class Reply:
    """The answer to one command, until the command is refused for taking too long."""

    def __init__(self, connection: Connection) -> None:
        self._connection: Connection | None = connection

    def send(self, answer: protocol.Answer) -> None:
        if self._connection is not None:
            self._connection.reply(protocol.encode(answer))

    def close(self) -> None:
        self._connection = None


async def _answered(connection: Connection, work: Callable[[Reply], Awaitable[None]]) -> None:
    """Run a command that may change something. Raises Unavailable when it takes too long."""
    reply = Reply(connection)
    try:
        await time_limit.write(work(reply))
    finally:
        reply.close()
