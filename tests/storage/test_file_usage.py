"""Space that files use, and removal of single files by administrators, on both databases."""

import json
from contextlib import aclosing

import pytest

from chatserver.errors import Forbidden, NotFound
from chatserver.file_state import FileState
from chatserver.models import (
    LOBBY,
    Create,
    Draft,
    Edit,
    Event,
    EventKind,
    Post,
    RemoveFile,
    Role,
    User,
)
from chatserver.storage.file_usage import FileLocation, FileUsage
from chatserver.storage.integrity import check
from chatserver.storage.search import Search
from chatserver.text.search_query import parse
from tests.storage.conftest import Storage, acting
from tests.storage.test_apply_files import register_of, state_of, uploaded


async def stored(storage: Storage, *drafts: Draft) -> list[Event]:
    outcomes = await storage.log.store(drafts)
    assert all(isinstance(outcome, Event) for outcome in outcomes), outcomes
    return [outcome for outcome in outcomes if isinstance(outcome, Event)]


async def private_room(storage: Storage, who: User) -> int:
    (event,) = await stored(storage, acting(who, Create("Den", name="den", private=True), room=0))
    return event.room


def removal(author: User, file: str, by: int | None, *, room: int = LOBBY) -> Draft:
    return acting(author, RemoveFile(file, by), room=room)


async def test_sizes_by_room_and_user_and_the_largest_files(storage: Storage) -> None:
    ann, bo = await storage.user("ann", Role.ADMIN), await storage.user("bo")
    den = await private_room(storage, bo)
    usage = FileUsage(storage.database)
    assert await usage.by_room(10) == []
    files = [await uploaded(storage, bo, f"{name}.txt") for name in "abcd"]
    await stored(storage, acting(bo, Post("", files=(files[0],))))
    await stored(storage, acting(bo, Post("", files=(files[1], files[2])), room=den))
    assert [(r.room, r.name, r.title, r.files, r.bytes) for r in await usage.by_room(10)] == [
        (den, "den", "Den", 2, 6),
        (LOBBY, "lobby", "Lobby", 1, 3),
    ]
    assert [room.room for room in await usage.by_room(1)] == [den]
    assert [(u.name, u.files, u.bytes) for u in await usage.by_user(10)] == [("bo", 4, 12)]
    listed = await usage.largest(ann.id, 10)
    seen = {f.id: (f.name, f.type, f.seq, f.user, f.room) for f in listed}
    assert seen == {
        files[0]: ("a.txt", "audio/ogg", 1, "bo", LOBBY),
        files[1]: (None, None, None, "bo", den),
        files[2]: (None, None, None, "bo", den),
    }
    assert {f.name for f in await usage.largest(bo.id, 10)} == {"a.txt", "b.txt", "c.txt"}
    assert await usage.location(files[1]) == FileLocation(den, bo.id, "bo")
    assert await usage.location(files[3]) is None  # no message has it


async def test_a_removed_file_leaves_a_mark_without_its_name(storage: Storage) -> None:
    ann, bo = await storage.user("ann", Role.ADMIN), await storage.user("bo")
    den = await private_room(storage, bo)
    one, two = await uploaded(storage, bo, "one.txt"), await uploaded(storage, bo, "two.txt")
    await stored(storage, acting(bo, Post("see", files=(one, two)), room=den))
    (event,) = await stored(storage, removal(bo, one, ann.id, room=den))
    assert (event.kind, event.user, event.target, event.data) == (EventKind.EDIT, "bo", 2, "see")
    mark, kept = json.loads(event.files)
    assert mark == {
        "id": one,
        "name": "",
        "type": "application/octet-stream",
        "bytes": 0,
        "removed": True,
    }
    assert kept["name"] == "two.txt"
    assert await state_of(storage, one) is FileState.DELETING
    assert await state_of(storage, two) is FileState.BOUND
    for text, count in (("filename:one", 0), ("has:file", 1), ("see", 1)):
        assert len((await Search(storage.database).find(bo.id, parse(text))).hits) == count
    await stored(storage, acting(bo, Edit(2, "look"), room=den))  # keeps the mark
    (event,) = await stored(storage, removal(bo, two, None, room=den))
    assert [file["removed"] for file in json.loads(event.files)] == [True, True]
    assert (await Search(storage.database).find(bo.id, parse("has:file"))).hits == []
    async with aclosing(check(storage.database)) as steps:
        assert [finding async for step in steps for finding in step.findings] == []


@pytest.mark.parametrize("state", ["unsent", "deleted", "other room"])
async def test_only_files_of_messages_are_removed(storage: Storage, state: str) -> None:
    ann, bo = await storage.user("ann", Role.ADMIN), await storage.user("bo")
    file, room = await uploaded(storage, bo), LOBBY
    if state != "unsent":
        await stored(storage, acting(bo, Post("x", files=(file,))))
    if state == "deleted":
        await stored(storage, removal(bo, file, ann.id))
    if state == "other room":
        room = await private_room(storage, bo)
    (outcome,) = await storage.log.store([removal(bo, file, ann.id, room=room)])
    assert isinstance(outcome, NotFound)


async def test_a_former_administrator_removes_nothing(storage: Storage) -> None:
    ann, bo = await storage.user("ann", Role.MEMBER), await storage.user("bo")
    file = await uploaded(storage, bo)
    await stored(storage, acting(bo, Post("x", files=(file,))))
    (outcome,) = await storage.log.store([removal(bo, file, ann.id)])
    assert isinstance(outcome, Forbidden)
    assert await state_of(storage, file) is FileState.BOUND
    assert (await register_of(storage).usage()).files == 1
