"""Rules for notifications. The page is tested with the same cases: notification-rules.test.mjs."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chatserver.errors import BadRequest
from chatserver.notification_rules import (
    Occasion,
    RoomLevel,
    checked,
    notifies,
    room_level,
)
from chatserver.protocol import QuietHours, Rules
from chatserver.text.search_terms import fold

CASES = json.loads((Path(__file__).parent / "text-cases/notifications.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_the_rules_decide_which_messages_notify(case: dict[str, Any]) -> None:
    message = Occasion(
        text=fold(case.get("text", "")),
        is_direct=case.get("direct", False),
        members=case.get("members", 5),
        mentions_user=case.get("mentioned", False),
        mentions_all=case.get("all", False),
    )
    now = datetime.fromisoformat(case.get("now", "2024-03-04T11:00:00Z"))
    rules = msgspec.convert(case.get("rules", {}), Rules)
    level = RoomLevel(case.get("level", "default"))
    milliseconds = int(now.timestamp() * 1000)
    found = notifies(rules, level, message, now=milliseconds, all_members=100)
    assert found == case.get("notifies", False)


def test_a_mute_of_an_older_server_replaces_the_level_of_a_room() -> None:
    assert room_level(None, muted=False) is RoomLevel.DEFAULT
    assert room_level(None, muted=True) is RoomLevel.MENTIONS
    assert room_level("nothing", muted=True) is RoomLevel.NOTHING
    assert room_level("nothing", muted=False) is RoomLevel.DEFAULT
    assert room_level("all", muted=False) is RoomLevel.ALL
    assert room_level("all", muted=True) is RoomLevel.MENTIONS


def test_rules_have_each_keyword_once_and_a_known_time_zone() -> None:
    rules = Rules("all", keywords=["Tea ", "tea", "发布"])
    assert checked(rules).keywords == ["tea", "发布"]
    for zone in ("Mars/Olympus", "Europe", "A" * 64):
        with pytest.raises(BadRequest):
            checked(Rules(quiet=QuietHours(zone, "22:00", "07:00", [1])))
    with pytest.raises(BadRequest):
        checked(Rules(keywords=["\u200b"]))
