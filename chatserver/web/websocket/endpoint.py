"""The WebSocket: who is let in, the first frames, the end. What is asked in between: `requests`."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from chatserver import protocol
from chatserver.accounts.accounts import SignIn
from chatserver.chat.history import History
from chatserver.config import LimitSettings
from chatserver.errors import BadRequest, CloseCode, Disconnect, OtherUser, Unauthorized, _
from chatserver.models import User
from chatserver.protocol import encode_events
from chatserver.realtime.connection import Connection, close_frame
from chatserver.realtime.hub import Hub
from chatserver.realtime.last_seen import LastSeen
from chatserver.realtime.pending_connections import PendingConnection
from chatserver.realtime.presence import CHANGES_ONLY, FULL_LIST
from chatserver.storage.room_list import UserRooms
from chatserver.web.access_log import SocketLog, Visit
from chatserver.web.authentication import Sessions, address
from chatserver.web.language import preferred
from chatserver.web.rates import RequestLimits
from chatserver.web.websocket.connection_limiter import ConnectionLimiter
from chatserver.web.websocket.dispatcher import Dispatcher
from chatserver.web.websocket.transport import SocketTransport

FRAME_TOLERANCE = 16  # times the frame limit is still answered; beyond that it is 1009
LEAVING = 500  # sockets that were turned away and are still open
NOT_TO_BE_SENT = 1006  # RFC 6455, 7.4.1; of those that nobody may send aiohttp lets just it pass


class Socket:
    """`GET /ws`."""

    def __init__(
        self,
        *,
        requests: Dispatcher,
        history: History,
        hub: Hub,
        sessions: Sessions,
        gate: RequestLimits,
        seen: LastSeen,
        limits: LimitSettings,
        page: str,
        clock: Callable[[], float],
    ) -> None:
        """`page` is the version of the web client; `clock` gives monotonic seconds."""
        self._requests = requests
        self._history = history
        self._hub = hub
        self._sessions = sessions
        self._gate = gate
        self._seen = seen
        self._limits = limits
        self._page = page
        self._clock = clock
        self._doorstep = ConnectionLimiter(limits.sockets_per_address)
        self._open: set[SocketTransport] = set()
        self._leaving: dict[SocketTransport, None] = {}
        self._all_closed = asyncio.Event()
        self._stops = False
        self.log = SocketLog(clock)

    # Coming in ------------------------------------------------------------------------------------

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Let somebody in or turn them away; what is answered here reaches nobody after that."""
        self._sessions.check_origin(request)
        async with self._doorstep.wait(address(request)):
            try:
                with self._hub.connecting() as arrival:
                    await self._let_in(request, arrival)
            except Unauthorized as error:
                self._gate.visited(request)
                self._turn_away(request, Disconnect(CloseCode.SESSION_INVALID, str(error)))
            except OtherUser as error:
                bye = Disconnect(CloseCode.SESSION_INVALID, str(error))
                self._turn_away(request, bye, code=error.code)
            except Disconnect as bye:
                self._turn_away(request, bye)
        return web.Response(status=101)

    async def _let_in(self, request: web.Request, arrival: PendingConnection) -> None:
        """Raises Unauthorized or Disconnect. From the upgrade on nothing waits."""
        lists_presence = _lists_presence(request)
        sign_in = await self._sessions.of_socket(request)
        self._gate.connects(sign_in.user)
        rooms = await self._rooms_of(sign_in.user)
        while arrival.has_moved(sign_in.user.id):
            sign_in = await self._sessions.of_socket(request, again=True)
            rooms = await self._rooms_of(sign_in.user)
        arrival.check(sign_in.session.id, sign_in.user.id)
        if self._stops:
            raise Disconnect(CloseCode.RESTARTING, "the server restarts")
        if len(self._hub.devices(sign_in.user.id)) >= self._limits.sockets_per_user:
            raise Disconnect(CloseCode.OVERLOADED, "too many sockets of one person")
        line = self._line(request)
        locale = preferred(request)
        connection = self._connection(line, sign_in, lists_presence=lists_presence, locale=locale)
        if rooms.more:
            connection.welcome_rooms = frozenset(state.room for state in rooms.states)
        missed = self._hub.attach(connection, rooms.heads)
        connection.reply(protocol.encode(self._welcome(sign_in, rooms)))
        connection.reply(encode_events.group_list(self._hub.presence.online_json()))
        connection.reply(missed)
        self._listen(request, line, connection)

    async def _rooms_of(self, user: User) -> UserRooms:
        rooms = await self._history.rooms_of(user)
        self._gate.reads_rooms(user, len(rooms.heads))
        await self._hub.prepare(rooms.heads)
        return rooms

    def _line(self, request: web.Request) -> SocketTransport:
        return SocketTransport.upgraded(
            request,
            limit=FRAME_TOLERANCE * self._limits.frame_bytes,
            waiting=self._limits.waiting_bytes,
        )

    def _connection(
        self, line: SocketTransport, sign_in: SignIn, *, lists_presence: bool, locale: str
    ) -> Connection:
        return Connection(
            line.transport,
            sign_in.user,
            session_id=sign_in.session.id,
            expires_at=sign_in.expires_at,
            lifetime=sign_in.token.lifetime,
            limit=self._limits.waiting_bytes,
            last_received=self._clock(),
            key=sign_in.token.key,
            lists_presence=lists_presence,
            locale=locale,
        )

    def _turn_away(
        self, request: web.Request, bye: Disconnect, *, code: str = "session_invalid"
    ) -> None:
        """Say why and close. Beyond LEAVING that have not gone yet, the first is cut off."""
        self.log.turned_away(request, bye)
        frames = close_frame(bye.code, bye.reason)
        if bye.code is CloseCode.SESSION_INVALID:
            frames = protocol.encode(protocol.Error(data=bye.reason, code=code)) + frames
        line = self._line(request)
        self._leaving[line] = None
        line.turn_away(frames, partial(self._leaving.pop, line, None))
        if len(self._leaving) > LEAVING:
            first = next(iter(self._leaving))
            del self._leaving[first]
            first.transport.abort()

    # From then on ---------------------------------------------------------------------------------

    def _listen(self, request: web.Request, line: SocketTransport, connection: Connection) -> None:
        visit = self.log.came(request, connection)
        self._seen.note(connection)
        self._open.add(line)
        line.open(partial(self._receive, connection), partial(self._leave, line, connection, visit))

    def _receive(self, connection: Connection, message: WSMessage) -> Awaitable[None] | None:
        """One frame. What arrives after we hung up is dropped.

        What a peer asked for before it closed is still performed.
        """
        connection.last_received = self._clock()
        if message.type is WSMsgType.CLOSE:
            self._bid_farewell(connection, _answering(message.data))
            return None
        connection.frames += 1
        if connection.close_code is None:
            match message.type:
                case WSMsgType.TEXT | WSMsgType.BINARY:
                    return self._requests.answer(connection, message.data)
                case WSMsgType.PING:
                    connection.write(b"\x8a%c%b" % (len(message.data), message.data))
                case WSMsgType.ERROR:
                    self._bid_farewell(connection, message.data.code)
        return None

    def _bid_farewell(self, connection: Connection, code: int) -> None:
        self._hub.detach(connection)
        connection.finish(code)

    def _leave(self, line: SocketTransport, connection: Connection, visit: Visit) -> None:
        self._hub.detach(connection)
        self._requests.forget(connection)
        self._seen.note(connection)
        self.log.went(visit, connection, line.close_code)
        self._open.discard(line)
        if not self._open:
            self._all_closed.set()

    async def closed(self) -> None:
        """Turn away who comes from now on; return when no socket is open any more."""
        self._stops = True
        while self._open:
            self._all_closed.clear()
            await self._all_closed.wait()

    # The first frame ------------------------------------------------------------------------------

    def _welcome(self, sign_in: SignIn, rooms: UserRooms) -> protocol.Welcome:
        limits = protocol.WelcomeLimits(
            message_chars=self._limits.message_chars,
            frame_bytes=self._limits.frame_bytes,
            messages_per_second=self._limits.messages_per_second,
            message_burst=self._limits.message_burst,
        )
        return protocol.Welcome(
            user=sign_in.user.name,
            epoch=self._history.epoch,
            session=protocol.WelcomeSession(
                sign_in.session.id, sign_in.expires_at, sign_in.token.lifetime
            ),
            limits=limits,
            rooms=[encode_events.welcome_room(state) for state in rooms.states],
            rooms_more=rooms.more,
            rooms_after=0 if rooms.more else None,
            page=self._page,
        )


def _answering(code: int) -> int:
    """The close code that goes back to a peer that has closed with this one."""
    return WSCloseCode.PROTOCOL_ERROR if code == NOT_TO_BE_SENT else WSCloseCode.OK


def _lists_presence(request: web.Request) -> bool:
    """Whether the client asks for whole lists of who is online. Raises BadRequest."""
    asked = request.query.get("presence", CHANGES_ONLY)
    if asked not in (CHANGES_ONLY, FULL_LIST):
        raise BadRequest(_("presence is changes or list."))
    return asked == FULL_LIST
