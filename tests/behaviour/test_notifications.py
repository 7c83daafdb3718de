"""Rules for notifications are kept with the account, and sent to all devices of their user."""

from typing import Any

import pytest

from chatserver.protocol import Type
from tests.driver import User

RULES: dict[str, Any] = {
    "level": "all",
    "keywords": ["tea", "发布"],
    "quiet": {"zone": "Asia/Shanghai", "start": "22:00", "end": "07:00", "days": [1, 5]},
    "paused_until": 1_800_000_000_000,
    "sound": False,
}
QUIET = RULES["quiet"]


async def test_rules_are_stored_and_sent_to_the_devices_of_their_user(ann: User, bo: User) -> None:
    first = (await ann.ask("GET", "/api/notifications")).json["rules"]
    assert first == {
        "level": "mentions",
        "keywords": [],
        "quiet": None,
        "paused_until": 0,
        "sound": True,
    }
    phone, bos = await ann.connect(), await bo.connect()
    assert (await ann.ask("PUT", "/api/notifications", RULES)).json == {"ok": 1, "rules": RULES}
    assert (await phone.next(Type.NOTIFICATIONS))["rules"] == RULES
    assert (await ann.ask("GET", "/api/notifications")).json["rules"] == RULES
    assert (await bo.ask("GET", "/api/notifications")).json["rules"] == first
    await bos.receives_nothing()
    await ann.ask("PUT", "/api/notifications", {})
    assert (await ann.ask("GET", "/api/notifications")).json["rules"] == first


@pytest.mark.parametrize(
    "wrong",
    [
        {"level": "calls"},
        {"keywords": [""]},
        {"keywords": ["x" * 51]},
        {"keywords": ["x"] * 21},
        {"paused_until": -1},
        {"quiet": QUIET | {"start": "24:00"}},
        {"quiet": QUIET | {"end": "7:00"}},
        {"quiet": QUIET | {"days": [0]}},
        {"quiet": QUIET | {"zone": "Mars/Olympus"}},
        {"quiet": QUIET | {"zone": "../../etc/passwd"}},
    ],
)
async def test_wrong_rules_are_refused_and_change_nothing(ann: User, wrong: dict[str, Any]) -> None:
    await ann.ask("PUT", "/api/notifications", RULES)
    answer = await ann.ask("PUT", "/api/notifications", RULES | wrong)
    assert (answer.status, answer.json["code"]) == (400, "bad_request")
    assert (await ann.ask("GET", "/api/notifications")).json["rules"] == RULES


async def test_mute_and_the_level_of_a_room_are_the_same_choice(ann: User) -> None:
    phone = await ann.connect()

    async def lobby() -> tuple[bool, str]:
        room = (await ann.ask("GET", "/api/rooms/1")).json
        return room["muted"], room.get("notify", "default")

    await ann.ask("PUT", "/api/rooms/1/notifications", {"level": "nothing"})
    frame = await phone.next(Type.READ)
    assert (frame["muted"], frame["notify"]) == (True, "nothing")
    assert await lobby() == (True, "nothing")
    await ann.ask("PATCH", "/api/rooms/1", {"muted": False})
    assert await lobby() == (False, "default")
    await phone.ask(Type.ROOM, action="mute", room=1)
    assert await lobby() == (True, "mentions")
    await ann.ask("PUT", "/api/rooms/1/notifications", {"level": "all"})
    assert await lobby() == (False, "all")
    assert (await ann.ask("PUT", "/api/rooms/77/notifications", {"level": "all"})).status == 404
