"""Test driver: operations of users over real HTTP and WebSocket connections."""

import asyncio
import itertools
from typing import Any, Self

import aiohttp
import msgspec
from aiohttp import WSMsgType, web
from aiohttp.web_app import _cached_build_middleware

from chatserver import models
from chatserver.app import SERVER, create_app
from chatserver.config import Settings
from chatserver.models import Role
from chatserver.protocol import Type
from chatserver.server import Server
from chatserver.storage.users import NewUser
from chatserver.web.access_log import AccessLog

PASSWORD = "purple stone river"
WAIT = 10.0  # seconds; a test that waits longer fails
QUIET = 0.15  # seconds without a frame after which nothing more is expected

Frame = dict[str, Any]

_ids = itertools.count(1)


class Chat:
    """A running server and its users."""

    def __init__(self, runner: web.AppRunner, server: Server, url: str) -> None:
        self._runner = runner
        self._sessions: list[aiohttp.ClientSession] = []
        self._hash = ""
        self.server = server
        self.url = url

    @classmethod
    async def start(cls, settings: Settings) -> Self:
        app = create_app(settings)
        runner = web.AppRunner(
            app,
            access_log_class=AccessLog,
            shutdown_timeout=1.0,
            handle_signals=False,
            auto_decompress=False,
        )
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return cls(runner, app[SERVER], f"http://127.0.0.1:{runner.addresses[0][1]}")

    async def stop(self) -> None:
        for session in self._sessions:
            await session.close()
        await self._runner.cleanup()
        _cached_build_middleware.cache_clear()  # has references to the last hundreds of servers

    async def user(self, name: str, *, admin: bool = False, display: str = "") -> "User":
        """Create an account with PASSWORD, which is hashed once for all, and log in."""
        self._hash = self._hash or await self.server.passwords.hash(PASSWORD)
        role = Role.ADMIN if admin else Role.MEMBER
        shown = display or name.capitalize()
        await self.server.users.add(NewUser(name, shown, self._hash, role))
        return await self.logged_in(name)

    async def logged_in(self, name: str) -> "User":
        """Create a session of an existing account."""
        account = await self.account(name)
        tokens = await self.server.accounts.open_session(account, client="tests")
        return User(self, name, account.id, tokens.bearer, self.browser())

    async def account(self, name: str) -> models.User:
        """Return an existing account."""
        found = await self.server.users.find(name)
        assert found is not None
        return found[0]

    def browser(self) -> aiohttp.ClientSession:
        """Return an HTTP client with its own cookie jar."""
        session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self._sessions.append(session)
        return session


class User:
    """A user with a session."""

    def __init__(
        self, chat: Chat, name: str, number: int, token: str, http: aiohttp.ClientSession
    ) -> None:
        self.chat = chat
        self.name = name
        self.number = number
        self.token = token
        self.http = http

    async def connect(self, **options: Any) -> "Device":
        """Connect, and read the welcome and the list of online users."""
        device = await self.open(**options)
        device.welcome = await device.next(Type.WELCOME)
        device.online = await device.next(Type.GROUP_LIST)
        return device

    async def open(self, **options: Any) -> "Device":
        """Connect, without reading any frame."""
        headers = {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        ws = await self.http.ws_connect(f"{self.chat.url}/ws", headers=headers, **options)
        return Device(self, ws)

    async def ask(self, method: str, path: str, body: Any = None, **options: Any) -> "Answer":
        """Send an HTTP request with the user's bearer token."""
        headers = {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        return await ask(self.http, method, f"{self.chat.url}{path}", body, headers, **options)


class Answer(msgspec.Struct):
    """An HTTP response."""

    status: int
    json: Any
    text: str
    headers: Any


async def ask(
    http: aiohttp.ClientSession,
    method: str,
    url: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
    **options: Any,
) -> Answer:
    """Send an HTTP request, without following redirects."""
    options.setdefault("allow_redirects", False)
    async with http.request(method, url, json=body, headers=headers, **options) as response:
        text = await response.text()
        is_json = response.content_type == "application/json"
        parsed = msgspec.json.decode(text) if is_json and text else None
        return Answer(response.status, parsed, text, response.headers)


class Device:
    """A connection of a user. Received frames are queued until a test reads them."""

    def __init__(self, user: User, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.user = user
        self.ws = ws
        self.welcome: Frame = {}
        self.online: Frame = {}
        self._queued: list[Frame] = []

    # Sending --------------------------------------------------------------------------------------

    async def send(self, frame: Any) -> None:
        await self.ws.send_str(msgspec.json.encode(frame).decode())

    async def say(self, text: str, **facts: Any) -> Frame:
        """Send a message, to the lobby by default; return the reply."""
        request_id = facts.pop("id", None) or f"{self.user.name}-{next(_ids)}"
        kind = Type.SINGLE_CHAT if "to" in facts else Type.GROUP_CHAT
        await self.send({"type": kind, "data": text, "id": request_id, **facts})
        return await self.reply(request_id)

    async def ask(self, kind: int, **facts: Any) -> Frame:
        """Send a command; return the reply."""
        request_id = facts.pop("id", None) or f"{self.user.name}-{next(_ids)}"
        await self.send({"type": kind, "id": request_id, **facts})
        return await self.reply(request_id)

    async def history(self, room: int, **facts: Any) -> Frame:
        return await self.ask(Type.HISTORY, room=room, **facts)

    async def close(self) -> None:
        await self.ws.close()

    # Receiving ------------------------------------------------------------------------------------

    async def next(self, *kinds: int) -> Frame:
        """Return the next frame, or the next one of these types; others stay queued."""
        for position, frame in enumerate(self._queued):
            if not kinds or frame["type"] in kinds:
                return self._queued.pop(position)
        while True:
            frame = await self._read()
            if not kinds or frame["type"] in kinds:
                return frame
            self._queued.append(frame)

    async def reply(self, request_id: str) -> Frame:
        """Return the reply to a command."""
        while True:
            frame = await self.next(Type.REPLY)
            if frame.get("id") == request_id:
                return frame

    async def receives(self, text: str) -> Frame:
        """Return the next message, which must have this text."""
        frame = await self.next(Type.GROUP_CHAT, Type.SINGLE_CHAT)
        assert frame["data"] == text, frame
        return frame

    async def receives_nothing(self) -> None:
        """Require that no message is queued or received within QUIET."""
        while True:
            try:
                async with asyncio.timeout(QUIET):
                    self._queued.append(await self._read())
            except TimeoutError:
                break
        assert [
            frame for frame in self._queued if frame["type"] in (Type.GROUP_CHAT, Type.SINGLE_CHAT)
        ] == []

    async def receives_nothing_of(self, room: int) -> None:
        """Require that no frame of that room is queued or received within QUIET."""
        await self.receives_nothing()
        assert [frame for frame in self._queued if frame.get("room") == room] == []

    def queued(self) -> list[Frame]:
        """Return the queued frames."""
        return self._queued

    async def closed(self) -> int:
        """Return the close code of the server, after any other frames."""
        while True:
            message = await self.ws.receive(timeout=WAIT)
            if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING):
                assert self.ws.close_code is not None
                return self.ws.close_code

    async def _read(self) -> Frame:
        message = await self.ws.receive(timeout=WAIT)
        assert message.type is WSMsgType.TEXT, (message, self.ws.close_code)
        frame: Frame = msgspec.json.decode(message.data)
        return frame
