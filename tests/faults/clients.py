"""Clients that keep their side of the contract, and write down what happens to them.

A message stays in the outbox until it is answered, and is sent again after each reconnect under the
same id. A position moves only over what was received in order; a jump is asked for.
"""

import asyncio
import random
from typing import Any

import aiohttp
import msgspec

from tests.faults.checker import Diary

BACK_OFF = (0.02, 0.2)  # seconds between two attempts to connect
WINDOW = 8  # messages that wait for their answer at a time
REPEATS = 0.25  # of the messages are sent twice on purpose
PATIENCE = 60.0  # seconds until everything must have been answered and shown


class Client:
    """One person on one device, who goes on whatever happens to the server."""

    def __init__(self, http: aiohttp.ClientSession, url: str, name: str, token: str) -> None:
        self.diary = Diary(name)
        self.reconnects = 0
        self._http = http
        self._url = f"{url}/ws"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._random = random.Random(name)
        self._outbox: dict[str, dict[str, Any]] = {}
        self._positions: dict[int, int] = {}
        self._heads: dict[int, int] = {}
        self._asked: set[int] = set()
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._changed = asyncio.Condition()

    # What the person does -------------------------------------------------------------------------

    async def talk(self, others: list[str], stop: asyncio.Event) -> None:
        """Say things until told to stop: mostly to everybody, sometimes to one other person."""
        number = 0
        while not stop.is_set():
            async with self._changed:
                await self._changed.wait_for(lambda: len(self._outbox) < WINDOW or stop.is_set())
            number += 1
            await self._say(f"{self.diary.name}-{number}", self._random.choice(others))
            await asyncio.sleep(0)

    async def _say(self, request_id: str, other: str) -> None:
        text = f"{request_id} 你好 {self._random.random()}"
        frame: dict[str, Any] = {"type": 2, "data": text, "id": request_id}
        if self._random.random() < 0.3:
            frame |= {"type": 3, "to": other}
        self.diary.invoked[request_id] = text
        self._outbox[request_id] = frame
        await self._send(frame)
        if self._random.random() < REPEATS:
            await self._send(frame)

    async def settled(self) -> None:
        """Until everything said is answered and everything stored has been shown."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: not self._outbox and not self._behind())

    def _behind(self) -> bool:
        return any(self._positions.get(room, 0) < head for room, head in self._heads.items())

    async def read_everything(self) -> None:
        """The whole history of every room, into the diary."""
        async with self._http.ws_connect(self._url, headers=self._headers) as ws:
            welcome = msgspec.json.decode((await ws.receive()).data)
            self.diary.rooms = {room["room"] for room in welcome["rooms"]}
            for room in self.diary.rooms:
                self.diary.history[room] = await self._whole(ws, room)

    async def _whole(
        self, ws: aiohttp.ClientWebSocketResponse, room: int
    ) -> list[tuple[int, str, str, str]]:
        history: list[tuple[int, str, str, str]] = []
        more = True
        while more:
            after = history[-1][0] if history else 0
            await ws.send_json({"type": 7, "id": "all", "room": room, "after": after, "limit": 500})
            page: dict[str, Any] = {}
            while page.get("id") != "all":
                page = msgspec.json.decode((await ws.receive()).data)
            history += [(e["seq"], e["user"], e["id"], e["data"]) for e in page["events"]]
            more = page["more"]
        return history

    # What the device does -------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect, and connect again, for ever."""
        while True:
            try:
                async with self._http.ws_connect(self._url, headers=self._headers) as ws:
                    await self._live(ws)
            except (aiohttp.ClientError, OSError, TimeoutError):
                pass
            self._ws = None
            self.reconnects += 1
            await asyncio.sleep(self._random.uniform(*BACK_OFF))

    async def _live(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        async for message in ws:
            if message.type is not aiohttp.WSMsgType.TEXT:
                return
            await self._hear(ws, msgspec.json.decode(message.data))
            async with self._changed:
                self._changed.notify_all()

    async def _hear(self, ws: aiohttp.ClientWebSocketResponse, frame: dict[str, Any]) -> None:
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
                if self._outbox.pop(frame["id"], None) is not None:
                    self.diary.answered[frame["id"]] = (frame["room"], frame["seq"])

    async def _welcomed(self, ws: aiohttp.ClientWebSocketResponse, frame: dict[str, Any]) -> None:
        self._ws = ws
        self._asked.clear()
        for room in frame["rooms"]:
            self._heads[room["room"]] = max(room["head"], self._heads.get(room["room"], 0))
            if room["head"] > self._positions.get(room["room"], 0):
                await self._ask(room["room"])
        for waiting in list(self._outbox.values()):
            await self._send(waiting)

    async def _event(self, event: dict[str, Any]) -> None:
        room, seq = event["room"], event["seq"]
        self._heads[room] = max(seq, self._heads.get(room, 0))
        position = self._positions.get(room, 0)
        if seq == position + 1:
            self._positions[room] = seq
            self.diary.received.append((room, seq, event["user"], event["id"]))
        elif seq > position:
            await self._ask(room)

    async def _ask(self, room: int) -> None:
        if room not in self._asked:
            self._asked.add(room)
            after = self._positions.get(room, 0)
            await self._send(
                {"type": 7, "id": f"h{room}", "room": room, "after": after, "limit": 500}
            )

    async def _send(self, frame: dict[str, Any]) -> None:
        if self._ws is not None:
            try:
                await self._ws.send_json(frame)
            except (aiohttp.ClientError, OSError):
                self._ws = None
