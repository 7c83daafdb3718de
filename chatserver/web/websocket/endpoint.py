"""WebSocket endpoint: authentication, the first frames, and the close of connections.

Commands are handled by `dispatcher`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from chatserver import protocol
from chatserver.accounts.login import Login
from chatserver.chat.history import HistoryReader
from chatserver.chat.server_profile import ServerProfileCache
from chatserver.config import Settings
from chatserver.errors import (
    TOO_MANY_SOCKETS,
    AccountClosed,
    BadRequest,
    CloseCode,
    Disconnect,
    OtherUser,
    Unauthorized,
    _,
)
from chatserver.models import User
from chatserver.protocol import encode_events
from chatserver.protocol.framing import close_frame, pong_frame
from chatserver.realtime.connection import Connection
from chatserver.realtime.hub import Hub
from chatserver.realtime.last_seen import LastSeen
from chatserver.realtime.pending_connections import PendingConnection
from chatserver.realtime.presence import CHANGES_ONLY, FULL_LIST
from chatserver.realtime.presence_service import shown_server
from chatserver.storage.room_list import UserRooms
from chatserver.storage.rooms import Rooms
from chatserver.web.access_log import ConnectionLog, LogEntry
from chatserver.web.authentication import RequestAuthenticator
from chatserver.web.client_address import client_address
from chatserver.web.keyed_queue import KeyedQueue
from chatserver.web.language import preferred
from chatserver.web.operations import operation
from chatserver.web.origin_check import OriginCheck
from chatserver.web.query import only_value
from chatserver.web.rates import RequestLimits
from chatserver.web.websocket.dispatcher import Dispatcher
from chatserver.web.websocket.transport import SocketTransport

FRAME_TOLERANCE = 16  # times the frame limit gets an error reply; larger frames get 1009
MAX_REJECTED = 500  # rejected connections that are still open
# Many clients behind one address that reconnect after a restart are no attack: they wait.
HANDSHAKE_TIMEOUT = 5.0  # seconds to wait for other connections of the address
ABNORMAL_CLOSURE = 1006  # RFC 6455, 7.4.1: must not be sent, but aiohttp accepts it


class WebSocketEndpoint:
    """Handler of `GET /ws`."""

    def __init__(
        self,
        *,
        dispatcher: Dispatcher,
        history: HistoryReader,
        rooms: Rooms,
        hub: Hub,
        authenticator: RequestAuthenticator,
        origin_check: OriginCheck,
        request_limits: RequestLimits,
        last_seen: LastSeen,
        settings: Settings,
        server_profile: ServerProfileCache,
        page: str,
        clock: Callable[[], float],
    ) -> None:
        """`page` is the version of the web client; `clock` returns monotonic seconds."""
        self._dispatcher = dispatcher
        self._history = history
        self._rooms = rooms
        self._hub = hub
        self._authenticator = authenticator
        self._origin_check = origin_check
        self._request_limits = request_limits
        self._last_seen = last_seen
        self._settings = settings
        self._server_profile = server_profile
        self._page = page
        self._clock = clock
        self._handshakes = KeyedQueue(
            settings.limits.sockets_per_address,
            timeout=HANDSHAKE_TIMEOUT,
            refusal=_("Too many sockets are being opened from this address."),
        )
        self._open: set[SocketTransport] = set()
        self._rejected: dict[SocketTransport, None] = {}
        self._all_closed = asyncio.Event()
        self._stopping = False
        self.log = ConnectionLog(clock)

    # Opening --------------------------------------------------------------------------------------

    @operation("GET", "/ws", "ws", rate="connections", documented=False)
    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Accept or reject a connection. The response is not sent after the upgrade."""
        self._origin_check.check(request)
        async with self._handshakes.slot(client_address(request)):
            try:
                with self._hub.connecting() as pending:
                    await self._accept(request, pending)
            except Unauthorized as error:
                self._request_limits.count_anonymous(request)
                self._reject(request, Disconnect(_close_code(error), str(error)))
            except OtherUser as error:
                disconnect = Disconnect(CloseCode.SESSION_INVALID, str(error))
                self._reject(request, disconnect, code=error.code)
            except Disconnect as disconnect:
                self._reject(request, disconnect)
        return web.Response(status=101)

    async def _accept(self, request: web.Request, pending: PendingConnection) -> None:
        """Raises Unauthorized or Disconnect. Does not wait after the upgrade."""
        lists_presence = _lists_presence(request)
        login = await self._authenticator.authenticate_socket(request)
        self._request_limits.count_connection(login.user)
        rooms = await self._read_rooms(login.user)
        while pending.take_change(login.user.id):
            login = await self._authenticator.authenticate_socket(request, again=True)
            rooms = await self._read_rooms(login.user)
        pending.check(login.session.id, login.user.id)
        if self._stopping:
            raise Disconnect(CloseCode.RESTARTING, "the server restarts")
        open_sockets = len(self._hub.connections_of(login.user.id))
        if open_sockets >= self._settings.limits.sockets_per_user:
            raise Disconnect(CloseCode.OVERLOADED, TOO_MANY_SOCKETS)
        socket = self._upgrade(request)
        locale = preferred(request)
        connection = self._connection(socket, login, lists_presence=lists_presence, locale=locale)
        if rooms.more:
            connection.welcome_rooms = frozenset(state.room for state in rooms.states)
        missed = self._hub.attach(connection, rooms.heads)
        connection.reply(protocol.encode(self._welcome(login, rooms)))
        connection.reply(encode_events.group_list(self._hub.presence.state.online_json()))
        connection.reply(missed)
        self._start(request, socket, connection)

    async def _read_rooms(self, user: User) -> UserRooms:
        """Return the user's rooms, which count towards the rate, and prepare their feeds."""
        rooms = await self._rooms.for_user(user.id)
        self._request_limits.count_rooms(user, len(rooms.heads))
        await self._hub.subscriptions.prepare(rooms.heads)
        return rooms

    def _upgrade(self, request: web.Request) -> SocketTransport:
        return SocketTransport.upgraded(
            request,
            limit=FRAME_TOLERANCE * self._settings.limits.frame_bytes,
            send_queue_limit=self._settings.limits.waiting_bytes,
        )

    def _connection(
        self, socket: SocketTransport, login: Login, *, lists_presence: bool, locale: str
    ) -> Connection:
        return Connection(
            socket.transport,
            login.user,
            session_id=login.session.id,
            expires_at=login.expires_at,
            lifetime=login.token.lifetime,
            limit=self._settings.limits.waiting_bytes,
            last_received=self._clock(),
            key_id=login.token.key,
            lists_presence=lists_presence,
            locale=locale,
        )

    def _reject(
        self, request: web.Request, disconnect: Disconnect, *, code: str = "session_invalid"
    ) -> None:
        """Send the reason and close. Abort the oldest of more than MAX_REJECTED."""
        self.log.rejected(request, disconnect)
        frames = close_frame(disconnect.code, disconnect.reason)
        if disconnect.code in {CloseCode.SESSION_INVALID, CloseCode.ACCOUNT_CLOSED}:
            frames = protocol.encode(protocol.Error(data=disconnect.reason, code=code)) + frames
        socket = self._upgrade(request)
        self._rejected[socket] = None
        socket.reject(frames, partial(self._rejected.pop, socket, None))
        if len(self._rejected) > MAX_REJECTED:
            first = next(iter(self._rejected))
            del self._rejected[first]
            first.transport.abort()

    # Frames ---------------------------------------------------------------------------------------

    def _start(self, request: web.Request, socket: SocketTransport, connection: Connection) -> None:
        entry = self.log.opened(request, connection)
        self._last_seen.note(connection)
        self._open.add(socket)
        socket.open(
            partial(self._receive, connection), partial(self._on_closed, socket, connection, entry)
        )

    def _receive(self, connection: Connection, message: WSMessage) -> Awaitable[None] | None:
        """Handle a frame. Frames are dropped after the server has hung up.

        Commands that a peer sent before closing are still performed.
        """
        connection.last_received = self._clock()
        if message.type is WSMsgType.CLOSE:
            self._finish(connection, _reply_code(message.data))
            return None
        connection.frames += 1
        if connection.close_code is None:
            match message.type:
                case WSMsgType.TEXT | WSMsgType.BINARY:
                    return self._dispatcher.handle(connection, message.data)
                case WSMsgType.PING:
                    connection.write(pong_frame(message.data))
                case WSMsgType.ERROR:
                    self._finish(connection, message.data.code)
        return None

    def _finish(self, connection: Connection, code: int) -> None:
        self._hub.detach(connection)
        connection.finish(code)

    def _on_closed(self, socket: SocketTransport, connection: Connection, entry: LogEntry) -> None:
        self._hub.detach(connection)
        self._dispatcher.forget(connection)
        self._last_seen.note(connection)
        self.log.closed(entry, connection, socket.close_code)
        self._open.discard(socket)
        if not self._open:
            self._all_closed.set()

    async def wait_closed(self) -> None:
        """Reject new connections; return when all are closed."""
        self._stopping = True
        while self._open:
            self._all_closed.clear()
            await self._all_closed.wait()

    # The first frame ------------------------------------------------------------------------------

    def _welcome(self, login: Login, rooms: UserRooms) -> protocol.Welcome:
        limits, files = self._settings.limits, self._settings.files
        shown = protocol.WelcomeLimits(
            message_chars=limits.message_chars,
            frame_bytes=limits.frame_bytes,
            messages_per_second=limits.messages_per_second,
            message_burst=limits.message_burst,
            file_bytes=files.bytes,
            files_per_message=files.per_message,
            all_members=limits.all_members,
        )
        return protocol.Welcome(
            user=login.user.name,
            epoch=self._history.epoch,
            session=protocol.WelcomeSession(
                login.session.id, login.expires_at, login.token.lifetime
            ),
            limits=shown,
            rooms=[encode_events.welcome_room(state) for state in rooms.states],
            rooms_more=rooms.more,
            rooms_after=0 if rooms.more else None,
            page=self._page,
            server=shown_server(self._server_profile.current),
        )


def _close_code(error: Unauthorized) -> CloseCode:
    return (
        CloseCode.ACCOUNT_CLOSED if isinstance(error, AccountClosed) else CloseCode.SESSION_INVALID
    )


def _reply_code(code: int) -> int:
    """Return the close code that answers a peer's."""
    return WSCloseCode.PROTOCOL_ERROR if code == ABNORMAL_CLOSURE else WSCloseCode.OK


def _lists_presence(request: web.Request) -> bool:
    """Return whether the client wants full lists of online users. Raises BadRequest."""
    presence = only_value(request, "presence", CHANGES_ONLY)
    if presence not in (CHANGES_ONLY, FULL_LIST):
        raise BadRequest(_("'presence' must be 'changes' or 'list'."))
    return presence == FULL_LIST
