"""A small group and its conversations, in English and Chinese, for the screenshots."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from chatserver.protocol import Type
from chatserver.storage.tables import events
from tests.driver import Chat, Device, User
from tests.screenshots import photos

USERS = {
    "ann": "Ann Becker",
    "bo": "陈波",
    "cy": "Cy Okafor",
    "lea": "Léa Martin",
    "mei": "林梅",
    "yuki": "佐藤ゆき",
}
AWAY = "yuki"
PICTURES = {"cy": photos.SUNRISE, "mei": photos.AUTUMN}
HIKE = "Autumn hike"


@dataclass(frozen=True)
class File:
    name: str
    content: bytes
    alt: str = ""


@dataclass(frozen=True)
class Said:
    """A message at `time`, as 09:12; `answers`: the index of the message that it answers."""

    user: str
    time: str
    text: str
    files: Sequence[File] = ()
    answers: int | None = None
    reactions: dict[str, Sequence[str]] = field(default_factory=dict)


def conversation() -> list[Said]:
    """Return the messages of the room HIKE."""
    views = [
        File("sunrise.jpg", photos.photo(photos.SUNRISE), "The ridge at sunrise"),
        File("lake.jpg", photos.photo(photos.LAKE), "Mountains mirrored in the lake"),
        File("larches.jpg", photos.photo(photos.AUTUMN), "Orange larches on the way down"),
    ]
    route = File("route.png", photos.route_map(), "Map: from the station past the lake to the hut")
    return [
        Said(
            "lea", "08:51", "Who has been up there this week? The forecast for Saturday is great."
        ),
        Said(
            "cy",
            "09:12",
            "I was, at dawn. Dry all the way, and the hut is open again:",
            views,
            reactions={"😍": ["ann", "lea", "mei"], "🏔️": ["bo"]},
        ),
        Said("mei", "09:15", "太美了！湖边那段路滑吗？"),
        Said(
            "cy",
            "09:17",
            "Only the last bit. Wear shoes with a grip, and **bring a warm jacket**.",
            answers=2,
        ),
        Said("lea", "09:24", "This is the route, 14 km. Lunch at the hut?", [route]),
        Said("bo", "09:31", "@ann 火车票我来订：8:40，三号站台，六个人对吗？"),
        Said(
            "ann",
            "09:33",
            "对，六个人，谢谢！ And yes to lunch 🥾",
            reactions={"👍": ["bo", "lea"]},
        ),
    ]


# title of a room, whether it is private, what was said there last
ELSEWHERE: list[tuple[str, bool, Said]] = [
    ("Kitchen", False, Said("mei", "08:20", "谁把我的杯子拿走了？")),
    ("Film night", False, Said("cy", "09:02", "Thursday: something with subtitles?")),
    ("生日惊喜", True, Said("bo", "09:20", "@ann 蛋糕你来选？")),
]
DIRECT = [Said("mei", "09:05", "明天带相机吗？"), Said("lea", "09:28", "Can I borrow your map?")]


class Group:
    """Users of a chat who are online, except AWAY. `room`: the room HIKE."""

    room: int

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._users: dict[str, User] = {}
        self._devices: dict[str, Device] = {}

    async def gather(self) -> None:
        """Create the users, and all that they said."""
        for name, display in USERS.items():
            user = await self._chat.user(name, display=display, admin=name == "ann")
            self._users[name] = user
            self._devices[name] = await user.connect()
        for name, scene in PICTURES.items():
            face = photos.photo(scene, (400, 400))
            await self._users[name].ask("PUT", "/api/me/picture", data=face)
        for title, private, said in ELSEWHERE:
            await self._say(await self._create(title, private=private), said)
        for said in DIRECT:
            reply = await self._devices[said.user].say(said.text, to="ann")
            await self._date(reply, said)
        await self._devices[AWAY].close()
        await self._hike()
        self._chat.server.event_cache.clear()

    async def write(self, name: str) -> None:
        """Let a user type in the room HIKE."""
        await self._devices[name].send({"type": Type.TYPING, "room": self.room})

    async def _hike(self) -> None:
        topic = "Saturday 8:40, platform 3 · 周六 8:40，三号站台"
        self.room = await self._create(HIKE, topic=topic)
        seqs: list[int] = []
        for said in conversation():
            answers = None if said.answers is None else seqs[said.answers]
            seqs.append(await self._say(self.room, said, answers))
        await self._devices["ann"].send({"type": Type.READ, "room": self.room, "seq": seqs[-1]})

    async def _create(self, title: str, **facts: Any) -> int:
        facts |= {"name": f"room-{title}".replace(" ", "-"), "title": title}
        users = [user for user in USERS if user != "ann"]
        created = await self._devices["ann"].ask(Type.ROOM, action="create", users=users, **facts)
        assert created["ok"], created
        return int(created["room"])

    async def _say(self, room: int, said: Said, answers: int | None = None) -> int:
        files = [await self._upload(said.user, file) for file in said.files]
        facts = {"room": room, "files": files or None, "reply_to": answers}
        given = {name: value for name, value in facts.items() if value is not None}
        reply = await self._devices[said.user].say(said.text, **given)
        await self._date(reply, said)
        for emoji, names in said.reactions.items():
            for name in names:
                await self._devices[name].ask(
                    Type.REACT, room=room, target=reply["seq"], emoji=emoji
                )
        return int(reply["seq"])

    async def _upload(self, name: str, file: File) -> str:
        query = {"name": file.name, "alt": file.alt}
        answer = await self._users[name].ask("POST", "/api/files", params=query, data=file.content)
        assert answer.status == 201, answer.text
        return str(answer.json["file"]["id"])

    async def _date(self, reply: dict[str, Any], said: Said) -> None:
        """Set the time of a message to that of today."""
        assert reply["ok"], reply
        hour, minute = map(int, said.time.split(":"))
        at = datetime.now(UTC).replace(hour=hour, minute=minute, second=0)
        change = sa.update(events).where(
            events.c.room_id == reply["room"], events.c.seq == reply["seq"]
        )
        values = change.values(at=round(at.timestamp() * 1_000))
        await self._chat.server.database.transaction(lambda c: c.execute(values))
