"""Members who are removed and invited again during messages: they must receive nothing in between.

async with Removals(urls, users) as removals:
    await removals.rounds(10)
assert removals.verdict.sound
"""

import asyncio
import itertools
import random
from contextlib import suppress
from typing import Any, Self

import aiohttp
import msgspec

from chatserver.protocol import Type
from tests.faults.checker import Diary, Verdict, check
from tests.faults.conversation import Users

TIMEOUT = 60.0  # seconds
SENDERS = 3
PAUSE = 0.002  # seconds between two frames of one talker

Frame = dict[str, Any]

_names = itertools.count(1)  # of rooms

_ids = itertools.count(1)  # an id names one request, also to a second set of users


class Device:
    """A connection that is reopened whenever it is closed."""

    def __init__(self, http: aiohttp.ClientSession, url: str, name: str, token: str) -> None:
        self.name = name
        self.stay = 0  # number of repeated invitations
        self.seqs: dict[int, int] = {}  # room → newest received event, or head at the welcome
        self.diary = Diary(name)
        self._http = http
        self._url = f"{url}/ws"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._answers: dict[str, asyncio.Future[Frame]] = {}
        self._changed = asyncio.Condition()

    async def run(self) -> None:
        while True:
            with suppress(aiohttp.ClientError, OSError):
                async with self._http.ws_connect(self._url, headers=self._headers) as ws:
                    async for message in ws:
                        await self._receive(ws, msgspec.json.decode(message.data))
            self._ws = None
            for answer in self._answers.values():
                answer.cancel()
            await asyncio.sleep(0.02)

    async def _receive(self, ws: aiohttp.ClientWebSocketResponse, frame: Frame) -> None:
        match frame["type"]:
            case 5:
                self._ws = ws
                self.seqs |= {room["room"]: room["head"] for room in frame["rooms"]}
            case 4:
                answer = self._answers.pop(frame["id"], None)
                if answer is not None and not answer.done():
                    answer.set_result(frame)
            case 2 | 10 | 11 | 12 | 13:
                self.seqs[frame["room"]] = frame["seq"]
                self.note(frame)
        async with self._changed:
            self._changed.notify_all()

    def note(self, event: Frame) -> None:
        found = (event["room"], event["seq"], event.get("data", ""), self.stay)
        self.diary.heard.append(found)

    async def reaches(self, room: int, seq: int) -> None:
        """Wait for an event of the room with at least this seq."""
        async with asyncio.timeout(TIMEOUT), self._changed:
            await self._changed.wait_for(lambda: self.seqs.get(room, 0) >= seq)

    async def ask(self, kind: int, **facts: Any) -> Frame:
        """Send a command, and repeat it with the same id until it is answered."""
        request_id = f"{self.name}-{next(_ids)}"
        frame = {"type": kind, "id": request_id, **facts}
        async with asyncio.timeout(TIMEOUT):
            while True:
                with suppress(asyncio.CancelledError, aiohttp.ClientError, OSError):
                    answer = await self._once(request_id, frame)
                    if answer["ok"] or answer["code"] not in ("rate_limited", "unavailable"):
                        return answer
                if (own := asyncio.current_task()) is not None and own.cancelling():
                    raise asyncio.CancelledError
                await asyncio.sleep(0.02)

    async def _once(self, request_id: str, frame: Frame) -> Frame:
        async with self._changed:
            await self._changed.wait_for(lambda: self._ws is not None)
        assert self._ws is not None
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._answers[request_id] = answer
        await self._ws.send_json(frame)
        return await answer


class Removals:
    """The first user owns a room, some send messages, and the others are removed from it."""

    verdict: Verdict

    def __init__(self, urls: list[str], users: Users) -> None:
        """Owner and senders use the first of the nodes, the others the last one."""
        self.count = 0
        self.events = 0  # events stored in the room
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        names = list(users.tokens)[:-1]
        self._owner, *self._talkers = [
            Device(self._http, urls[0], name, users.tokens[name]) for name in names[: SENDERS + 1]
        ]
        self._victims = [
            Device(self._http, urls[-1], name, users.tokens[name]) for name in names[SENDERS + 1 :]
        ]
        self._devices = [self._owner, *self._talkers, *self._victims]
        self._random = random.Random(7)

    async def __aenter__(self) -> Self:
        self._running = [asyncio.create_task(device.run()) for device in self._devices]
        users = [device.name for device in self._devices[1:]]
        made = await self._owner.ask(
            Type.ROOM, action="create", name=f"plans-{next(_names)}", users=users
        )
        assert made["ok"], made
        self._room = made["room"]
        self._joined = {device.name: made["seq"] for device in self._victims}
        await self._owner.ask(Type.ROOM, action="change", room=self._room, leavers_read=True)
        self._talking = [asyncio.create_task(self._talk(talker)) for talker in self._talkers]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for task in self._talking:
            task.cancel()
        await asyncio.gather(*self._talking, return_exceptions=True)
        try:
            if kind is None:
                await self._settle()
                self.verdict = check([device.diary for device in self._devices])
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
            await self._http.close()

    async def _settle(self) -> None:
        """Wait until all events are received; only the records of removed members are checked."""
        steady = [self._owner, *self._talkers]
        reached = False
        while not reached:  # an unpublished message is received with the next one
            last = await self._owner.ask(Type.GROUP_CHAT, room=self._room, data="the end")
            self.events = last["seq"]
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await asyncio.gather(*[d.reaches(self._room, self.events) for d in steady])
                    reached = True
        for device in steady:
            device.diary.heard.clear()

    async def _talk(self, talker: Device) -> None:
        """Send messages, edit them and react to them, forever."""
        own: list[int] = []
        for number in itertools.count(1):
            text = f"{talker.name} {number}"
            kind = self._random.random()
            if own and kind < 0.3:
                target = self._random.choice(own[-20:])
                edit = await talker.ask(Type.EDIT, room=self._room, target=target, data=text)
                talker.diary.edited[text] = (self._room, edit["seq"])
            elif own and kind < 0.4:
                target = self._random.choice(own[-20:])
                await talker.ask(
                    Type.REACT, room=self._room, target=target, emoji="👍", on=number % 2 > 0
                )
            else:
                own.append((await talker.ask(Type.GROUP_CHAT, room=self._room, data=text))["seq"])
            await asyncio.sleep(PAUSE)

    async def rounds(self, number: int) -> None:
        """Repeat so many times: remove all of them, let them read, and invite them again."""
        for _ in range(number):
            for victim in self._victims:
                await victim.reaches(self._room, self._joined[victim.name])
            await asyncio.gather(*[self._remove(victim) for victim in self._victims])
            seq = (await self._owner.ask(Type.GROUP_CHAT, room=self._room, data="among ourselves"))[
                "seq"
            ]
            await self._talkers[0].reaches(self._room, seq)
            await asyncio.gather(*[self._read(victim) for victim in self._victims])
            await self._invite()

    async def _remove(self, victim: Device) -> None:
        gone = await self._owner.ask(
            Type.ROOM, action="remove", room=self._room, users=[victim.name]
        )
        assert gone["ok"], gone
        victim.diary.left.setdefault(self._room, []).append(gone["seq"])
        self.count += 1

    async def _read(self, victim: Device) -> None:
        """Read what a former member may read: the newest messages, in both directions."""
        left = victim.diary.left[self._room][-1]
        pages = [
            await victim.ask(Type.HISTORY, room=self._room, before=left + 100, limit=100),
            await victim.ask(Type.HISTORY, room=self._room, after=max(0, left - 100), limit=200),
        ]
        for event in itertools.chain.from_iterable(page["events"] for page in pages):
            victim.note(event)

    async def _invite(self) -> None:
        names = [victim.name for victim in self._victims]
        for victim in self._victims:
            victim.stay += 1
        back = await self._owner.ask(Type.ROOM, action="invite", room=self._room, users=names)
        assert back["ok"], back
        self._joined = dict.fromkeys(names, back["seq"])
