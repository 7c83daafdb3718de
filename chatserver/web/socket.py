"""The WebSocket: frames in, commands to the chat, answers out. One screen, read downwards."""

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any, assert_never

from aiohttp import WSMessage, WSMsgType, web

from chatserver import protocol, wire
from chatserver.accounts import Accounts, SignIn
from chatserver.chat import Chat
from chatserver.config import LimitSettings
from chatserver.connection import Connection
from chatserver.errors import (
    BadRequest,
    ChatError,
    CloseCode,
    Disconnect,
    Forbidden,
    RateLimited,
    Unauthorized,
    _,
)
from chatserver.hub import Arrival, Hub
from chatserver.journal import Settle
from chatserver.limits import Rate
from chatserver.membership import Membership
from chatserver.models import Page, Receipt, RoomState
from chatserver.reads import Reads
from chatserver.web.access import SocketLog
from chatserver.web.doorstep import Doorstep
from chatserver.web.frames import MaskedWebSocket
from chatserver.web.session import Sessions, address

QUESTIONS = (20, 200)  # a second and at once, of one person: everything that is not a message
MISTAKES = (1, 100)  # a second and at once, of one socket; more is abuse
FRAME_TOLERANCE = 16  # times the frame limit is still answered; beyond that it is 1009
CLOSE_TIMEOUT = 2.0  # seconds that a socket that was turned away has to answer

logger = logging.getLogger(__name__)


class Socket:
    """`GET /ws`."""

    def __init__(
        self,
        *,
        chat: Chat,
        membership: Membership,
        reads: Reads,
        accounts: Accounts,
        hub: Hub,
        sessions: Sessions,
        limits: LimitSettings,
        clock: Callable[[], float],
    ) -> None:
        self._chat = chat
        self._membership = membership
        self._reads = reads
        self._accounts = accounts
        self._hub = hub
        self._sessions = sessions
        self._limits = limits
        self._clock = clock
        self._doorstep = Doorstep(limits.sockets_per_address)
        self._questions = Rate(*QUESTIONS, clock)
        self._mistakes = Rate(*MISTAKES, clock)
        self.log = SocketLog(clock)
        self.refusals: Counter[str] = Counter()  # by code, since the start
        self.catch_ups = 0  # requests

    # A socket's life ------------------------------------------------------------------------------

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self._sessions.check_origin(request)
        ws = MaskedWebSocket(
            autoping=False,
            autoclose=False,
            compress=False,
            max_msg_size=FRAME_TOLERANCE * self._limits.frame_bytes,
            timeout=CLOSE_TIMEOUT,
        )
        async with self._doorstep.wait(address(request)):
            connection = await self._welcomed(request, ws)
        if connection is not None:
            with self.log.visit(request, ws, connection):
                try:
                    await self._listen(ws, connection)
                finally:
                    self._hub.detach(connection)
                    connection.finish(ws.answer_code)
                    self._mistakes.forget(connection)
        return ws

    async def _welcomed(self, request: web.Request, ws: web.WebSocketResponse) -> Connection | None:
        """The connection after its welcome; None for whoever was never a member of anything."""
        try:
            with self._hub.arriving() as arrival:
                return await self._let_in(request, ws, arrival)
        except Unauthorized as error:
            await self._turn_away(ws, request, Disconnect(CloseCode.SESSION_INVALID, str(error)))
        except Disconnect as bye:
            await self._turn_away(ws, request, bye)
        except ChatError as error:
            if not ws.prepared:
                raise
            await self._turn_away(ws, request, Disconnect(CloseCode.OVERLOADED, str(error)))
        return None

    async def _let_in(
        self, request: web.Request, ws: web.WebSocketResponse, arrival: Arrival
    ) -> Connection:
        """Raises Unauthorized or Disconnect. After the upgrade nothing waits for the database."""
        sign_in = await self._sessions.of_socket(request)
        rooms = await self._chat.rooms_of(sign_in.user)
        await ws.prepare(request)
        while arrival.has_moved(sign_in.user.id):
            rooms = await self._chat.rooms_of(sign_in.user)
        arrival.check(sign_in.session.id, sign_in.user.id)
        if self._hub.devices(sign_in.user.id) >= self._limits.sockets_per_user:
            raise Disconnect(CloseCode.OVERLOADED, "too many sockets of one person")
        connection = self._connection(request, sign_in)
        starts = self._hub.attach(connection, {state.room: state.head for state in rooms})
        connection.send(protocol.encode(self._welcome(sign_in, rooms, starts)))
        connection.send(protocol.encode(protocol.GroupList(data=self._hub.online())))
        return connection

    def _connection(self, request: web.Request, sign_in: SignIn) -> Connection:
        transport: Any = request.transport
        if transport is None:
            raise Disconnect(CloseCode.SILENT, "gone before it was welcomed")
        return Connection(
            transport,
            sign_in.user,
            session_id=sign_in.session.id,
            expires_at=sign_in.expires_at,
            lifetime=sign_in.token.lifetime,
            limit=self._limits.waiting_bytes,
            seen=self._clock(),
        )

    async def _turn_away(
        self, ws: web.WebSocketResponse, request: web.Request, bye: Disconnect
    ) -> None:
        self.log.turned_away(request, bye)
        if not ws.prepared:
            await ws.prepare(request)
        if bye.code is CloseCode.SESSION_INVALID:
            error = protocol.Error(data=bye.reason, code="session_invalid")
            await ws.send_str(protocol.json(error).decode())
        await ws.close(code=bye.code, message=bye.reason.encode())

    async def _listen(self, ws: web.WebSocketResponse, connection: Connection) -> None:
        """Until either side closes. What arrives after we hung up is dropped."""
        async for message in ws:
            connection.seen = self._clock()
            connection.frames += 1
            if not connection.closing:
                await self._receive(ws, connection, message)

    # One frame ------------------------------------------------------------------------------------

    async def _receive(
        self, ws: web.WebSocketResponse, connection: Connection, message: WSMessage
    ) -> None:
        match message.type:
            case WSMsgType.TEXT | WSMsgType.BINARY:
                await self._answer(connection, message.data)
            case WSMsgType.PING:
                await ws.pong(message.data)
            case _:
                pass

    async def _answer(self, connection: Connection, data: str | bytes) -> None:
        """Perform what a frame asks for. Every failure answers this request and no other."""
        request_id = None
        try:
            command = protocol.decode(data, limit=self._limits.frame_bytes)
            request_id = getattr(command, "id", None)
            await self._perform(connection, command)
        except protocol.Undecodable as mistake:
            self._refuse(connection, mistake.error, mistake.id)
            self._count_mistake(connection)
        except ChatError as error:
            self._refuse(connection, error, request_id)
        except Disconnect as bye:
            self._hub.expire(connection, bye.code)
        except Exception:
            logger.exception("a command failed", extra={"user": connection.user.name})
            self._refuse(connection, ChatError(), request_id)

    def _refuse(self, connection: Connection, error: ChatError, request_id: str | None) -> None:
        self.refusals[error.code] += 1
        logger.debug("refused", extra={"user": connection.user.name, "code": error.code})
        connection.send(protocol.encode(wire.refusal(error, request_id)))

    def _count_mistake(self, connection: Connection) -> None:
        try:
            self._mistakes.take(connection)
        except RateLimited:
            self._hub.hang_up(connection, CloseCode.ABUSE, "too many frames that make no sense")

    async def _perform(self, connection: Connection, command: protocol.Command) -> None:
        match command:
            case protocol.SayToRoom() | protocol.SayToPerson():
                settle = self._receipt(connection, command.id)
                await self._chat.send_message(connection.user, command, settle)
            case protocol.EditMessage():
                settle = self._receipt(connection, command.id)
                await self._chat.edit(connection.user, command, settle)
            case protocol.DeleteMessage():
                settle = self._receipt(connection, command.id)
                await self._chat.delete(connection.user, command, settle)
            case protocol.ReactTo():
                settle = self._receipt(connection, command.id)
                await self._chat.react(connection.user, command, settle)
            case protocol.ChangeRoom():
                await self._change_room(connection, command)
            case protocol.StartTyping():
                self._reads.typing(connection, command.room)
            case protocol.MarkRead():
                self._reads.read(connection.user, command.room, command.seq)
            case protocol.History():
                self._questions.take(connection.user.id)
                connection.send(protocol.encode(await self._history(connection, command)))
            case protocol.Renew():
                self._questions.take(connection.user.id)
                connection.send(protocol.encode(await self._renew(connection, command)))
            case _:
                assert_never(command)

    def _receipt(self, connection: Connection, request_id: str | None) -> Settle:
        """Answers a message once its fate is known.

        A client that sent no id hears of refusals only.
        """

        def settle(outcome: Receipt | ChatError) -> None:
            if isinstance(outcome, ChatError):
                self._refuse(connection, outcome, request_id)
            elif request_id is not None:
                connection.send(protocol.encode(wire.stored(outcome, request_id)))

        return settle

    async def _change_room(self, connection: Connection, asked: protocol.ChangeRoom) -> None:
        if asked.action == "mute":
            if asked.room is None:
                raise BadRequest(_("Which room? Name it in 'room'."))
            await self._membership.mute(connection.user, asked.room, on=asked.on)
            muted = protocol.Muted(id=asked.id, ok=True, room=asked.room, muted=asked.on)
            connection.send(protocol.encode(muted))
            return

        def answer(receipt: Receipt, state: RoomState | None) -> None:
            connection.send(protocol.encode(wire.room_changed(receipt, asked.id, state)))

        await self._membership.perform(connection.user, asked, answer)

    # Questions ------------------------------------------------------------------------------------

    async def _history(
        self, connection: Connection, asked: protocol.History
    ) -> protocol.HistoryPage | protocol.CatchUp:
        if asked.rooms is not None:
            return await self._catch_up(connection, asked, asked.rooms)
        if asked.room is None:
            raise BadRequest(_("History of which room? Name 'room', or positions in 'rooms'."))
        page = await self._page(connection, asked, asked.room)
        return protocol.HistoryPage(
            id=asked.id,
            ok=True,
            room=page.room,
            events=[wire.chat(event) for event in page.events],
            head=page.head,
            more=page.more,
        )

    async def _page(self, connection: Connection, asked: protocol.History, room: int) -> Page:
        user = connection.user
        if asked.after is None:
            return await self._chat.before(user, room, asked.before, asked.limit)
        if asked.before is not None:
            raise BadRequest(_("Name 'after' or 'before', not both."))
        self.catch_ups += 1
        return await self._chat.after(user, room, asked.after, asked.limit, asked.epoch)

    async def _catch_up(
        self, connection: Connection, asked: protocol.History, positions: dict[int, int]
    ) -> protocol.CatchUp:
        self.catch_ups += 1
        pages, gone = await self._chat.catch_up(connection.user, positions, asked.epoch)
        return protocol.CatchUp(
            id=asked.id,
            ok=True,
            epoch=self._chat.epoch,
            rooms=[wire.room_page(page) for page in pages],
            gone=gone,
        )

    async def _renew(self, connection: Connection, asked: protocol.Renew) -> protocol.Renewed:
        if asked.token is not None:
            await self._adopt(connection, asked.token)
        expires_at, token = await self._accounts.renew(connection.session_id, connection.lifetime)
        connection.expires_at = expires_at
        return protocol.Renewed(id=asked.id, ok=True, expires_at=expires_at, token=token)

    async def _adopt(self, connection: Connection, token: str) -> None:
        """Go on under the session of a newer token of the same person."""
        with self._hub.arriving() as arrival:
            newer = await self._accounts.identify(token)
            if newer.user.id != connection.user.id:
                raise Forbidden(_("This token is somebody else's."))
            arrival.check(newer.session.id, newer.user.id)
            connection.adopt(newer.session.id, newer.expires_at, newer.token.lifetime)

    # The first frame ------------------------------------------------------------------------------

    def _welcome(
        self, sign_in: SignIn, rooms: list[RoomState], starts: dict[int, int]
    ) -> protocol.Welcome:
        limits = protocol.WelcomeLimits(
            message_chars=self._limits.message_chars,
            frame_bytes=self._limits.frame_bytes,
            messages_per_second=self._limits.messages_per_second,
            message_burst=self._limits.message_burst,
        )
        return protocol.Welcome(
            user=sign_in.user.name,
            epoch=self._chat.epoch,
            session=protocol.WelcomeSession(sign_in.session.id, sign_in.expires_at),
            limits=limits,
            rooms=[wire.welcome_room(state, starts[state.room]) for state in rooms],
        )
