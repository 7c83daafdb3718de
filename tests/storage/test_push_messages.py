"""Messages that cause pushes: the newest ones of a room, and those that mention users."""

import pytest

from chatserver.models import Delete
from chatserver.storage import push_messages
from chatserver.storage.push_claims import PushClaims
from tests.storage.conftest import Storage, acted
from tests.storage.test_push_claims import LOBBY, post


async def test_many_messages_that_follow_a_mention_do_not_hide_it(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_messages, "MAX_MESSAGES", 3)
    monkeypatch.setattr(push_messages, "_RANGE", push_messages._RANGE.limit(3))
    ann, bo, cy = [await storage.user(name) for name in ("ann", "bo", "cy")]
    await post(storage, ann, mentions=("bo",))
    mention = await post(storage, ann, mentions=("bo",))
    own = await post(storage, bo, mentions=("bo", "cy"))
    deleted = await post(storage, ann, mentions=("bo",))
    await acted(storage, ann, Delete(deleted), room=LOBBY)
    newest = [await post(storage, cy) for _ in range(4)][1:]
    room = await PushClaims(storage.database, clock=storage._clock).messages(LOBBY, 0, newest[-1])
    assert room is not None
    assert [one.seq for one in room.messages] == [mention, own, *newest]
    calls = [one.seq for one in room.messages if one.mentions(bo.id)]
    assert calls == [mention, own]
