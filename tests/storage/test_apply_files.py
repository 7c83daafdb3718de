"""Files of messages: binding, replacement and deletion in the transaction of the event."""

import re
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from chatserver.errors import BadRequest, IdConflict
from chatserver.file_state import FileState
from chatserver.models import (
    LOBBY,
    Create,
    Delete,
    Draft,
    Edit,
    Event,
    Post,
    Receipt,
    RoomFacts,
    RoomKind,
    User,
)
from chatserver.storage.file_deletion import FileDeletion
from chatserver.storage.files import Content, FileRegister, NewFile
from chatserver.storage.idempotency import digest
from chatserver.storage.integrity import check
from chatserver.storage.retention import _erase
from chatserver.storage.tables import events, files, rooms
from tests.storage.conftest import Storage, acted, acting

FACTS = RoomFacts(LOBBY, RoomKind.GROUP)


async def uploaded(
    storage: Storage, who: User, name: str = "a.txt", *, room: int | None = None
) -> str:
    """Return the id of a file that has arrived."""
    register = register_of(storage)
    begun = await register.begin(NewFile(who.id, name, 3, room))
    content = Content("audio/ogg", 3, "0" * 64, seconds=7.26, wave="A" * 64)
    await register.complete(begun.id, content)
    return begun.id


def register_of(storage: Storage) -> FileRegister:
    return FileRegister(storage.database, clock=lambda: storage.now)


async def state_of(storage: Storage, file_id: str) -> FileState:
    found = await register_of(storage).find(file_id)
    assert found is not None
    if found.state is FileState.DELETING:  # whatever deletes it
        assert (found.name, found.alt, found.blur) == ("", None, None)
        assert (found.seconds, found.wave) == (None, None)
    return found.state


def sent(who: User, *files: str, room: int = LOBBY, draft_id: str = "") -> Draft:
    act = Post("", files=files)
    return acting(who, act, room=room, draft_id=draft_id, digest=digest(act, room))


def ids(event: Any) -> list[str]:
    assert isinstance(event, Event), event
    return [file["id"] for file in msgspec.json.decode(event.files or "[]")]


async def history(storage: Storage) -> list[Event]:
    return await storage.log.after(FACTS, 0, 100, 100)


async def test_a_message_binds_its_files_and_history_has_them(storage: Storage) -> None:
    ann = await storage.user("ann")
    one, two = await uploaded(storage, ann, "b.txt"), await uploaded(storage, ann, "a.txt")
    (event,) = await storage.log.store([sent(ann, one, two, draft_id="x")])
    assert isinstance(event, Event)
    assert ids(event) == [one, two]
    for read in (await history(storage), await storage.log.before(FACTS, 100, 10)):
        assert [(one.seq, one.files) for one in read] == [(1, event.files)]
    found = await register_of(storage).find(two)
    assert found is not None
    assert (found.state, found.room, found.seq) == (FileState.BOUND, LOBBY, 1)
    state = await storage.rooms.state(ann.id, LOBBY)
    assert state is not None
    assert ids(state.last) == [one, two]
    assert msgspec.json.decode(event.files)[0] == {
        "id": one,
        "name": "b.txt",
        "type": "audio/ogg",
        "bytes": 3,
        "seconds": 7.26,
        "wave": "A" * 64,
    }


@pytest.mark.parametrize("fault", ["foreign", "arriving", "bound", "other room", "twice", "none"])
async def test_a_file_that_cannot_be_sent_is_refused_and_nothing_changes(
    storage: Storage, fault: str
) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    made = await acted(storage, ann, Create("Plans", "plans"))
    good = await uploaded(storage, ann)
    bad = await uploaded(storage, bo if fault == "foreign" else ann, room=None)
    match fault:
        case "arriving":
            bad = (await register_of(storage).begin(NewFile(ann.id, "a", 1))).id
        case "bound":
            await storage.log.store([sent(ann, bad)])
        case "other room":
            bad = await uploaded(storage, ann, room=made.room)
        case "twice":
            bad = good
        case "none":
            bad = "A" * 22
    before = await history(storage)
    (outcome,) = await storage.log.store([sent(ann, good, bad)])
    assert isinstance(outcome, BadRequest)
    assert await history(storage) == before
    assert await state_of(storage, good) is FileState.COMPLETE


async def test_one_batch_binds_a_file_once(storage: Storage) -> None:
    ann = await storage.user("ann")
    file_id = await uploaded(storage, ann)
    first, second = await storage.log.store([sent(ann, file_id), sent(ann, file_id)])
    assert ids(first) == [file_id]
    assert isinstance(second, BadRequest)


async def test_a_repeat_gets_the_first_receipt_and_other_files_are_a_conflict(
    storage: Storage,
) -> None:
    ann = await storage.user("ann")
    one, two = await uploaded(storage, ann), await uploaded(storage, ann)
    await storage.log.store([sent(ann, one, draft_id="x")])
    repeated, other = await storage.log.store(
        [sent(ann, one, draft_id="x"), sent(ann, two, draft_id="x")]
    )
    assert isinstance(repeated, Receipt)
    assert (repeated.seq, repeated.duplicate) == (1, True)
    assert isinstance(other, IdConflict)
    assert await state_of(storage, two) is FileState.COMPLETE


def test_the_digest_of_a_message_without_files_is_that_of_earlier_versions() -> None:
    assert digest(Post("hello"), 1) == "eef36ccc8fc725f6f251f86b5f4b75f4"
    assert digest(Edit(1, "hello"), 1) == digest(Edit(1, "hello", files=None), 1)
    assert digest(Edit(1, "hello"), 1) != digest(Edit(1, "hello", files=()), 1)


async def test_an_edit_replaces_the_files_that_it_names(storage: Storage) -> None:
    ann = await storage.user("ann")
    one, two, three = [await uploaded(storage, ann, f"{n}.txt") for n in range(3)]
    await storage.log.store([sent(ann, one, two)])
    edited = await acted(storage, ann, Edit(1, "text", files=(three, two)), room=LOBBY)
    assert ids(edited) == [three, two]
    assert await state_of(storage, one) is FileState.DELETING
    kept = await acted(storage, ann, Edit(1, "other text"), room=LOBBY)
    assert ids(kept) == [three, two]
    message, *edits = await history(storage)
    assert [ids(event) for event in (message, *edits)] == [[three, two]] * 3
    refused = await acted(storage, ann, Edit(1, "x", files=(one,)), room=LOBBY)
    assert isinstance(refused, BadRequest)
    emptied = await acted(storage, ann, Edit(1, "x", files=()), room=LOBBY)
    assert (emptied.files, await state_of(storage, two)) == ("", FileState.DELETING)


async def test_changes_of_one_batch_end_in_the_last_state(storage: Storage) -> None:
    ann = await storage.user("ann")
    one, two, three = [await uploaded(storage, ann, f"{n}.txt") for n in range(3)]
    outcomes = await storage.log.store(
        [
            sent(ann, one, two),
            acting(ann, Edit(1, "text", files=(two, three))),
            acting(ann, Edit(1, "text", files=(three,))),
            sent(ann, two),
            acting(ann, Delete(1)),
        ]
    )
    assert [type(outcome) for outcome in outcomes] == [Event, Event, Event, BadRequest, Event]
    assert {await state_of(storage, file_id) for file_id in (one, two, three)} == {
        FileState.DELETING
    }
    assert [event.files for event in await history(storage)] == [""] * 4


async def test_a_deletion_and_retention_delete_the_files(storage: Storage) -> None:
    ann = await storage.user("ann")
    one, two = await uploaded(storage, ann), await uploaded(storage, ann)
    await storage.log.store([sent(ann, one), sent(ann, two)])
    await acted(storage, ann, Delete(1), room=LOBBY)
    await storage.database.transaction(lambda c: c.execute(rooms.update().values(retention_days=1)))
    await storage.database.transaction(lambda c: _erase(c, LOBBY, 1, [2], storage.now))
    assert [await state_of(storage, file_id) for file_id in (one, two)] == [FileState.DELETING] * 2
    assert [event.files for event in await history(storage)] == [""] * 3
    assert [found async for step in check(storage.database) for found in step.findings] == []


async def test_nothing_describes_a_file_that_is_being_deleted(storage: Storage) -> None:
    ann, register = await storage.user("ann"), register_of(storage)
    ids = [await uploaded(storage, ann, f"secret {number}.txt") for number in range(4)]
    for file_id in ids:
        await register.describe(file_id, ann.id, "a secret")
    await storage.log.store([sent(ann, ids[0]), acting(ann, Delete(1))])
    await register.discard(ids[1], ann.id)
    await storage.log.store([sent(ann, ids[2])])
    await storage.database.transaction(lambda c: c.execute(events.delete()))
    deletion = FileDeletion(storage.database)
    assert await deletion.expire_unreferenced() == 1
    assert await deletion.expire(storage.now + 1) == 1
    assert {await state_of(storage, file_id) for file_id in ids} == {FileState.DELETING}
    async with storage.database.reading() as connection:
        rows = (await connection.execute(sa.select(files))).mappings().all()
    assert "secret" not in str(rows)


async def test_messages_without_files_cause_no_statement_about_files(storage: Storage) -> None:
    ann = await storage.user("ann")
    statements: list[str] = []
    sa.event.listen(
        storage.database.writer.engine,
        "before_cursor_execute",
        lambda *args: statements.append(args[2]),
    )
    await storage.log.store([acting(ann, Post("one")), acting(ann, Post("two"))])
    await storage.log.store([acting(ann, Edit(1, "text")), acting(ann, Delete(2))])
    assert statements
    assert [one for one in statements if re.search(r"(FROM|UPDATE|INTO|JOIN) files", one)] == []
