"""Clients that follow the protocol, and record what they receive.

A message stays in the outbox until it is answered; it is sent again under the same id after each
reconnect, after `unavailable`, and when no answer comes. A position moves only over what was
received in order; a jump is asked for.
"""

import asyncio
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp
import msgspec

from chatserver.protocol import Type
from tests.faults.checker import Diary

BACK_OFF = (0.02, 0.2)  # seconds between two connection attempts
WINDOW = 8  # messages without a reply at a time
REPEATS = 0.25  # fraction of messages that are sent twice
REPEAT_AFTER = (0.0, 0.1)  # seconds: into the same transaction, or into a later one
LOOK = 0.2  # seconds between two checks for unanswered messages
INSIST = 2.0  # seconds without a reply until a message is sent again

Frame = dict[str, Any]


class Client:
    """A user with one device, which continues after every failure of the server."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: str,
        name: str,
        token: str,
        *,
        answered: Callable[[], None] = lambda: None,
        refused: Callable[[], None] = lambda: None,
        words: str = "你好",
    ) -> None:
        """`answered` and `refused` are called at each of those; every text ends in `words`."""
        self.diary = Diary(name)
        self.url = url
        self.welcomes = 0
        self.refusals: Counter[str] = Counter()
        self.waits: list[float] = []  # seconds from sending to the reply
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"}
        self._answered = answered
        self._on_refusal = refused
        self._words = words
        self._random = random.Random(name)
        self._outbox: dict[str, Frame] = {}
        self._said_at: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._positions: dict[int, int] = {}
        self._heads: dict[int, int] = {}
        self._asked: set[int] = set()
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._changed = asyncio.Condition()

    # The user -------------------------------------------------------------------------------------

    async def talk(self, others: list[str], stop: asyncio.Event) -> None:
        """Send messages until `stop`: mostly to the lobby, sometimes to another user."""
        number = 0
        while not stop.is_set():
            async with self._changed:
                await self._changed.wait_for(lambda: len(self._outbox) < WINDOW or stop.is_set())
            number += 1
            await self._say(f"{self.diary.name}-{number}", self._random.choice(others))
            await asyncio.sleep(0)

    async def _say(self, request_id: str, other: str) -> None:
        text = f"{request_id} {self._random.random()} {self._words}"
        frame: Frame = {"type": Type.GROUP_CHAT, "data": text, "id": request_id}
        if self._random.random() < 0.3:
            frame |= {"type": Type.SINGLE_CHAT, "to": other}
        self.diary.invoked[request_id] = text
        self._outbox[request_id] = frame
        self._said_at[request_id] = time.monotonic()
        await self._post(request_id)
        if self._random.random() < REPEATS:
            await asyncio.sleep(self._random.choice(REPEAT_AFTER))
            await self._send(frame)  # answered or not

    async def all_answered(self, patience: float) -> None:
        """Wait until all messages are answered, or until the timeout."""
        await self._until(lambda: not self._outbox, patience)

    async def all_shown(self, patience: float) -> None:
        """Wait until all events found by `read_everything` were received, or until the timeout."""
        history = self.diary.history
        await self._until(
            lambda: all(self._positions.get(room, 0) >= len(log) for room, log in history.items()),
            patience,
        )

    async def _until(self, true: Callable[[], bool], patience: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(patience), self._changed:
                await self._changed.wait_for(true)

    async def read_everything(self) -> None:
        """Record the whole history of every room."""
        async with self._http.ws_connect(f"{self.url}/ws", headers=self._headers) as ws:
            welcome = msgspec.json.decode((await ws.receive()).data)
            self.diary.rooms = {room["room"] for room in welcome["rooms"]}
            for room in self.diary.rooms:
                self.diary.history[room] = await _whole(ws, room)

    def reset_line(self) -> None:
        """Abort the connection with a TCP reset."""
        line = self._ws._response.connection if self._ws is not None else None
        if line is not None and line.transport is not None:
            end = line.transport.get_extra_info("socket")
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            line.transport.abort()

    @property
    def online(self) -> bool:
        """Whether there is a connection, as far as the client knows."""
        return self._ws is not None and not self._ws.closed

    @property
    def unanswered(self) -> int:
        """Number of messages without a reply."""
        return len(self._outbox)

    # The device -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect and reconnect, forever."""
        insisting = asyncio.create_task(self._insist())
        try:
            while True:
                with suppress(aiohttp.ClientError, OSError, TimeoutError):
                    async with self._http.ws_connect(f"{self.url}/ws", headers=self._headers) as ws:
                        await self._live(ws)
                self._ws = None
                await asyncio.sleep(self._random.uniform(*BACK_OFF))
        finally:
            insisting.cancel()

    async def _live(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        async for message in ws:
            if message.type is not aiohttp.WSMsgType.TEXT:
                return
            await self._receive(ws, msgspec.json.decode(message.data))
            async with self._changed:
                self._changed.notify_all()

    async def _receive(self, ws: aiohttp.ClientWebSocketResponse, frame: Frame) -> None:
        match frame["type"]:
            case 5:
                await self._welcomed(ws, frame)
            case 2 | 3:
                await self._event(frame)
            case 4 if "events" in frame:
                self._asked.discard(frame["room"])
                for event in frame["events"]:
                    await self._event(event)
                if frame["more"]:
                    await self._ask(frame["room"])
            case 4 if frame["ok"]:
                self._note_answer(frame)
            case 4:
                self._refused(frame)

    async def _welcomed(self, ws: aiohttp.ClientWebSocketResponse, frame: Frame) -> None:
        self._ws = ws
        self.welcomes += 1
        self._asked.clear()
        for room in frame["rooms"]:
            self._heads[room["room"]] = max(room["head"], self._heads.get(room["room"], 0))
        await self._request_gaps()
        for request_id in list(self._outbox):
            await self._post(request_id)

    async def _event(self, event: Frame) -> None:
        room, seq = event["room"], event["seq"]
        self._heads[room] = max(seq, self._heads.get(room, 0))
        position = self._positions.get(room, 0)
        if seq == position + 1:
            self._positions[room] = seq
            self.diary.received.append((room, seq, event["user"], event["id"]))
        elif seq > position:
            await self._ask(room)

    def _note_answer(self, frame: Frame) -> None:
        if self._outbox.pop(frame["id"], None) is not None:
            self.diary.answered[frame["id"]] = (frame["room"], frame["seq"])
            self.waits.append(time.monotonic() - self._said_at[frame["id"]])
            self._answered()

    def _refused(self, frame: Frame) -> None:
        self.refusals[frame["code"]] += 1
        self._asked.clear()
        self._due[frame["id"]] = 0.0
        self._on_refusal()

    async def _insist(self) -> None:
        """Send rejected and unanswered messages again, and request missing events again."""
        while True:
            await asyncio.sleep(LOOK)
            now = time.monotonic()
            for request_id in [i for i in self._outbox if self._due.get(i, now) < now]:
                await self._post(request_id)
            await self._request_gaps()

    async def _request_gaps(self) -> None:
        for room, head in list(self._heads.items()):
            if head > self._positions.get(room, 0):
                await self._ask(room)

    async def _ask(self, room: int) -> None:
        if room not in self._asked:
            self._asked.add(room)
            after = self._positions.get(room, 0)
            await self._send(
                {"type": Type.HISTORY, "id": f"h{room}", "room": room, "after": after, "limit": 500}
            )

    async def _post(self, request_id: str) -> None:
        self._due[request_id] = time.monotonic() + INSIST
        await self._send(self._outbox[request_id])

    async def _send(self, frame: Frame) -> None:
        if self._ws is not None:
            try:
                await self._ws.send_json(frame)
            except (aiohttp.ClientError, OSError):
                self._ws = None


async def _whole(ws: aiohttp.ClientWebSocketResponse, room: int) -> list[tuple[int, str, str, str]]:
    history: list[tuple[int, str, str, str]] = []
    more = True
    while more:
        after = history[-1][0] if history else 0
        await ws.send_json(
            {"type": Type.HISTORY, "id": "all", "room": room, "after": after, "limit": 500}
        )
        page: Frame = {}
        while page.get("id") != "all":
            page = msgspec.json.decode((await ws.receive()).data)
        history += [(e["seq"], e["user"], e["id"], e["data"]) for e in page["events"]]
        more = page["more"]
    return history
