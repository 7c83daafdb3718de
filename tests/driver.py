"""The vocabulary of the tests: what people do with a chat, over real sockets and real HTTP."""

import asyncio
import itertools
from typing import Any, Self

import aiohttp
import msgspec
from aiohttp import WSMsgType, web

from chatserver.app import SERVER, create_app
from chatserver.config import Settings
from chatserver.models import Role
from chatserver.protocol import Type
from chatserver.server import Server
from chatserver.storage.users import NewUser
from chatserver.web.access_log import AccessLog

PASSWORD = "purple stone river"
WAIT = 10.0  # seconds that anything may take; a test that waits longer has failed
QUIET = 0.15  # seconds without a frame that count as silence

Frame = dict[str, Any]

_ids = itertools.count(1)


class Chat:
    """A running server, and the people who use it."""

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

    async def person(self, name: str, *, admin: bool = False, display: str = "") -> "Person":
        """An account with PASSWORD; hashed once for all of them, which saves the tests minutes."""
        self._hash = self._hash or await self.server.passwords.hash(PASSWORD)
        role = Role.ADMIN if admin else Role.MEMBER
        shown = display or name.capitalize()
        await self.server.users.add(NewUser(name, shown, self._hash, role))
        return await self.signed_in(name)

    async def signed_in(self, name: str) -> "Person":
        """A new session of an account that is there already."""
        found = await self.server.users.find(name)
        assert found is not None
        tokens = await self.server.accounts.open_session(found[0], client="tests")
        return Person(self, name, found[0].id, tokens.bearer, self.browser())

    def browser(self) -> aiohttp.ClientSession:
        """An HTTP client with a cookie jar of its own."""
        session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self._sessions.append(session)
        return session


class Person:
    """Somebody with an account and a session."""

    def __init__(
        self, chat: Chat, name: str, number: int, token: str, http: aiohttp.ClientSession
    ) -> None:
        self.chat = chat
        self.name = name
        self.number = number
        self.token = token
        self.http = http

    async def connect(self, **options: Any) -> "Device":
        """One more device, welcomed and told who is online."""
        device = await self.open(**options)
        device.welcome = await device.next(Type.WELCOME)
        device.online = await device.next(Type.GROUP_LIST)
        return device

    async def open(self, **options: Any) -> "Device":
        """A socket, before its first frame."""
        headers = {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        ws = await self.http.ws_connect(f"{self.chat.url}/ws", headers=headers, **options)
        return Device(self, ws)

    async def ask(self, method: str, path: str, body: Any = None, **options: Any) -> "Answer":
        """An HTTP request with this person's bearer token."""
        headers = {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        return await ask(self.http, method, f"{self.chat.url}{path}", body, headers, **options)


class Answer(msgspec.Struct):
    """What came back over HTTP."""

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
    """One HTTP request; redirects are answers."""
    options.setdefault("allow_redirects", False)
    async with http.request(method, url, json=body, headers=headers, **options) as response:
        text = await response.text()
        is_json = response.content_type == "application/json"
        parsed = msgspec.json.decode(text) if is_json else None
        return Answer(response.status, parsed, text, response.headers)


class Device:
    """One open socket of somebody. Frames are kept until a test asks for them."""

    def __init__(self, person: Person, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.person = person
        self.ws = ws
        self.welcome: Frame = {}
        self.online: Frame = {}
        self._kept: list[Frame] = []

    # Doing ----------------------------------------------------------------------------------------

    async def send(self, frame: Any) -> None:
        await self.ws.send_str(msgspec.json.encode(frame).decode())

    async def say(self, text: str, **facts: Any) -> Frame:
        """To the lobby, or as `facts` say; the reply."""
        request_id = facts.pop("id", None) or f"{self.person.name}-{next(_ids)}"
        kind = Type.SINGLE_CHAT if "to" in facts else Type.GROUP_CHAT
        await self.send({"type": kind, "data": text, "id": request_id, **facts})
        return await self.reply(request_id)

    async def ask(self, kind: int, **facts: Any) -> Frame:
        """Any request that wants an answer; the reply."""
        request_id = facts.pop("id", None) or f"{self.person.name}-{next(_ids)}"
        await self.send({"type": kind, "id": request_id, **facts})
        return await self.reply(request_id)

    async def history(self, room: int, **facts: Any) -> Frame:
        return await self.ask(Type.HISTORY, room=room, **facts)

    async def close(self) -> None:
        await self.ws.close()

    # Hearing --------------------------------------------------------------------------------------

    async def next(self, *kinds: int) -> Frame:
        """The next frame, or the next one of these types; others are kept for later."""
        for position, frame in enumerate(self._kept):
            if not kinds or frame["type"] in kinds:
                return self._kept.pop(position)
        while True:
            frame = await self._read()
            if not kinds or frame["type"] in kinds:
                return frame
            self._kept.append(frame)

    async def reply(self, request_id: str) -> Frame:
        """The answer to one request."""
        while True:
            frame = await self.next(Type.REPLY)
            if frame.get("id") == request_id:
                return frame

    async def hears(self, text: str) -> Frame:
        """The next message; it must be this one."""
        frame = await self.next(Type.GROUP_CHAT, Type.SINGLE_CHAT)
        assert frame["data"] == text, frame
        return frame

    async def hears_nothing(self) -> None:
        """No message comes, neither now nor within a moment."""
        while True:
            try:
                async with asyncio.timeout(QUIET):
                    self._kept.append(await self._read())
            except TimeoutError:
                break
        assert [
            frame for frame in self._kept if frame["type"] in (Type.GROUP_CHAT, Type.SINGLE_CHAT)
        ] == []

    async def hears_nothing_of(self, room: int) -> None:
        """No frame of that room is here or comes within a moment."""
        await self.hears_nothing()
        assert [frame for frame in self._kept if frame.get("room") == room] == []

    def kept(self) -> list[Frame]:
        """All that came meanwhile and nobody has asked for."""
        return self._kept

    async def closed(self) -> int:
        """The code that the server closed this socket with, whatever came before."""
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
