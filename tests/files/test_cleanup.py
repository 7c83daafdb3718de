"""Deletion of bytes: after a kill between any two steps the next round completes it."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self

import pytest
import pytest_asyncio

from chatserver.errors import NotFound, Unavailable
from chatserver.file_state import FileState
from chatserver.files.cleanup import FileCleanup
from chatserver.files.media_processor import MediaProcessor
from chatserver.files.part import Locked
from chatserver.files.uploads import Uploads
from chatserver.models import LOBBY, Delete, User
from chatserver.storage import file_deletion
from chatserver.storage.file_deletion import FileDeletion
from chatserver.storage.file_quotas import FileQuotas, Quotas
from chatserver.storage.files import FileRegister
from tests.files.places import ON_FOLDER, BucketPlace, Place
from tests.storage.conftest import Storage, acted
from tests.storage.test_apply_files import sent

HOUR = 3_600_000


class Killed(Exception):
    """The process ends at this step."""


class Parts:
    """Everything of a server that concerns files, with steps at which it can be killed."""

    def __init__(self, storage: Storage, place: Place) -> None:
        self.storage = storage
        self.place = place
        self.left = -1  # steps until the kill; negative: never
        self.steps: list[str] = []

    async def close(self) -> None:
        await self.store.close()
        await self.storage.database.close()

    async def start(self) -> Self:
        """Build everything, as at the start of a process."""
        self.register = FileRegister(self.storage.database, clock=lambda: self.storage.now)
        self.deletion = FileDeletion(self.storage.database)
        self.store = await self.place.store()
        media = MediaProcessor(self.store.uploads, pixels=1_000_000)
        quotas = FileQuotas(self.storage.database, Quotas())
        self.uploads = Uploads(
            self.register, self.store, media, quotas, settings=self.place.settings
        )
        self.cleanup = FileCleanup(
            self.register,
            self.deletion,
            self.store,
            lifetime=24 * HOUR,
            now=self.now,
        )
        return self

    async def now(self) -> int:
        return self.storage.now

    def interrupt(self, monkeypatch: pytest.MonkeyPatch, *names: tuple[object, str]) -> None:
        """Count calls of these methods, and kill before the call number `left`, or after it."""
        for owner, name in names:
            self._wrap(monkeypatch, owner, name)

    def _wrap(self, monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
        inner = getattr(owner, name)

        async def step(*args: object, **options: object) -> object:
            self._step(f"before {name}")
            result = await inner(*args, **options)
            self._step(f"after {name}")
            return result

        monkeypatch.setattr(owner, name, step)

    def _step(self, name: str) -> None:
        self.steps.append(name)
        if self.left == 0:
            raise Killed(name)
        self.left -= 1

    async def upload(self, user: User, content: bytes = b"text") -> str:
        file = await self.uploads.begin(user, "a.txt", len(content))
        await self.uploads.receive(file, 0, in_one_piece(content))
        return (await self.uploads.complete(file)).id

    def on_disk(self) -> list[str]:
        return self.place.names()


async def in_one_piece(content: bytes) -> AsyncIterator[bytes]:
    yield content


@pytest_asyncio.fixture
async def parts(tmp_path: Path, migrated: Path, place: Place) -> AsyncIterator[Parts]:
    shutil.copyfile(migrated, tmp_path / "chat.db")
    storage = Storage(f"sqlite:///{tmp_path / 'chat.db'}")
    made = await Parts(storage, place).start()
    yield made
    await made.close()


@ON_FOLDER  # in a bucket, test_s3_store.py kills at each request
@pytest.mark.parametrize("kill", range(10))
async def test_a_deletion_that_is_killed_at_any_step_is_completed_later(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, kill: int
) -> None:
    ann = await parts.storage.user("ann")
    ids = [await parts.upload(ann) for _ in range(2)]
    await parts.storage.log.store([sent(ann, *ids)])
    await acted(parts.storage, ann, Delete(1), room=LOBBY)
    steps = (
        (parts.deletion, "to_delete"),
        (parts.store, "delete"),
        (parts.deletion, "delete_rows"),
    )
    parts.left = kill
    with monkeypatch.context() as patched:
        parts.interrupt(patched, *steps)
        with pytest.raises(Killed):
            await parts.cleanup.delete_due()
    await parts.start()
    await parts.cleanup.sweep()
    assert parts.on_disk() == []
    assert (await parts.register.usage()).files == 0
    assert [await parts.register.find(file_id) for file_id in ids] == [None, None]


@ON_FOLDER  # in a bucket, test_s3_store.py kills at each request
@pytest.mark.parametrize("kill", range(16))
async def test_an_upload_that_is_killed_at_any_step_is_whole_or_leaves_nothing(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, kill: int
) -> None:
    ann = await parts.storage.user("ann")
    steps = (
        (parts.register, "begin"),
        (parts.store.uploads, "create"),
        (parts.store.uploads, "append"),
        (parts.store.uploads, "seal"),
        (parts.store.uploads, "head"),
        (parts.store.uploads, "digest"),
        (parts.store.uploads, "commit"),
        (parts.register, "complete"),
    )
    parts.left = kill
    with monkeypatch.context() as patched:
        parts.interrupt(patched, *steps)
        with pytest.raises(Killed) as killed:
            await parts.upload(ann)
    await parts.start()
    await parts.cleanup.sweep()
    if str(killed.value) == "after finish":
        assert len(parts.on_disk()) == 1
    parts.storage.now += 25 * HOUR
    await parts.cleanup.sweep()
    assert parts.on_disk() == []
    assert (await parts.register.usage()).files == 0


@ON_FOLDER  # in a bucket, test_s3_store.py kills at each request
@pytest.mark.parametrize("kill", range(10))
async def test_a_completion_that_is_killed_at_any_step_can_be_repeated(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, kill: int
) -> None:
    ann = await parts.storage.user("ann")
    file = await parts.uploads.begin(ann, "a.txt", 4)
    await parts.uploads.receive(file, 0, in_one_piece(b"text"))
    parts.left = kill
    with monkeypatch.context() as patched:
        parts.interrupt(
            patched,
            (parts.store.uploads, "seal"),
            (parts.store.uploads, "head"),
            (parts.store.uploads, "digest"),
            (parts.store.uploads, "commit"),
            (parts.register, "complete"),
        )
        with pytest.raises(Killed):
            await parts.uploads.complete(file)
    await parts.start()
    found = await parts.uploads.find(ann, file.id)
    assert await parts.uploads.offset(found) == 4
    assert (await parts.uploads.find(ann, file.id)).state is FileState.COMPLETE
    assert parts.on_disk() == [file.id]


async def test_only_old_unsent_files_and_unknown_bytes_are_deleted(parts: Parts) -> None:
    ann = await parts.storage.user("ann")
    bound, old = await parts.upload(ann), await parts.upload(ann)
    await parts.storage.log.store([sent(ann, bound)])
    parts.storage.now += 24 * HOUR
    recent = await parts.upload(ann)
    parts.place.write("A" * 22 + ".480", b"x")
    parts.storage.now += 1
    await parts.cleanup.sweep()
    assert parts.on_disk() == sorted([bound, recent])
    assert await parts.register.find(old) is None
    assert (parts.cleanup.counts.deleted, parts.cleanup.counts.unregistered) == (1, 1)


async def test_a_file_that_cannot_be_deleted_delays_no_other(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatserver.files.cleanup.BATCH_SIZE", 1)
    ann = await parts.storage.user("ann")
    ids = [await parts.upload(ann) for _ in range(3)]
    await parts.storage.log.store([sent(ann, *ids)])
    await acted(parts.storage, ann, Delete(1), room=LOBBY)
    delete = parts.store.delete

    async def failing(file_id: str) -> None:
        if file_id == ids[0]:
            raise Unavailable
        await delete(file_id)

    with monkeypatch.context() as patched:
        patched.setattr(parts.store, "delete", failing)
        await parts.cleanup.delete_due()
    assert parts.on_disk() == [ids[0]]
    await parts.cleanup.delete_due()
    assert parts.on_disk() == []


async def test_a_sweep_that_fails_is_repeated_an_hour_later(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a month of sweeps would pass within an hour."""
    monkeypatch.setattr("chatserver.files.cleanup.POLL_INTERVAL", 0.0)
    polls, sweeps = asyncio.Semaphore(0), []

    async def failing(*, first: bool) -> None:
        sweeps.append(first)
        raise Unavailable

    async def poll() -> None:
        polls.release()

    monkeypatch.setattr(parts.cleanup, "sweep", failing)
    monkeypatch.setattr(parts.cleanup, "delete_due", poll)
    running = asyncio.create_task(parts.cleanup.run())
    async with asyncio.timeout(5):
        for _ in range(3):
            await polls.acquire()
    running.cancel()
    assert sweeps == [True]


async def test_a_file_without_a_row_is_deleted_after_enough_hourly_sweeps(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatserver.files.cleanup.UNREGISTERED_SWEEPS", 3)
    parts.place.write("A" * 22, b"x")
    for _restart in range(5):
        await parts.cleanup.sweep(first=True)
    parts.storage.now += 10_000 * HOUR
    for _hour in range(2):
        await parts.cleanup.sweep()
        assert "A" * 22 in parts.on_disk()
    await parts.cleanup.sweep()
    assert parts.on_disk() == []


async def test_deleted_files_do_not_wait_for_the_end_of_a_sweep(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatserver.files.cleanup.POLL_INTERVAL", 0.0)
    monkeypatch.setattr("chatserver.files.file_folder.FOLDERS_PER_BATCH", 1)
    if isinstance(parts.place, BucketPlace):
        monkeypatch.setattr("chatserver.files.bucket.PAGE", 1)
    ann = await parts.storage.user("ann")
    first, second = sorted([await parts.upload(ann) for _ in range(2)])
    await parts.storage.log.store([sent(ann, first)])
    known = parts.register.known

    async def deleting(found: list[str]) -> set[str]:
        if found == [first]:
            await acted(parts.storage, ann, Delete(1), room=LOBBY)
        else:
            assert parts.on_disk() == [second]
        return await known(found)

    monkeypatch.setattr(parts.register, "known", deleting)
    await parts.cleanup.sweep()


async def test_many_unsent_files_expire_in_several_transactions(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_deletion, "_UNSENT", file_deletion._UNSENT.limit(2))
    ann = await parts.storage.user("ann")
    for _ in range(5):
        await parts.upload(ann)
    parts.interrupt(monkeypatch, (parts.storage.database, "transaction"))
    assert await parts.deletion.expire(parts.storage.now + 1) == 5
    assert parts.steps.count("after transaction") == 3


async def test_files_of_a_message_that_an_earlier_version_deleted_go_too(parts: Parts) -> None:
    ann = await parts.storage.user("ann")
    file_id = await parts.upload(ann)
    await parts.storage.log.store([sent(ann, file_id)])
    await parts.storage.database.transaction(
        lambda c: c.exec_driver_sql("UPDATE events SET body = '', deleted_at = 1")
    )
    await parts.cleanup.sweep()
    assert parts.on_disk() == []


async def test_an_upload_that_is_discarded_while_it_is_completed_leaves_nothing(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await parts.storage.user("ann")
    commit = parts.store.uploads.commit

    async def discarding(file_id: str) -> None:
        await parts.uploads.discard(ann, file_id)
        await commit(file_id)

    monkeypatch.setattr(parts.store.uploads, "commit", discarding)
    with pytest.raises(NotFound):
        await parts.upload(ann)
    assert parts.on_disk() == []


@ON_FOLDER
async def test_one_node_completes_a_file_and_another_one_deletes_nothing(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await parts.storage.user("ann")
    file = await parts.uploads.begin(ann, "a.txt", 4)
    await parts.uploads.receive(file, 0, in_one_piece(b"text"))
    other = await Parts(parts.storage, parts.place).start()
    head = parts.store.uploads.head

    async def meanwhile(file_id: str, suffix: str, count: int) -> bytes:
        with pytest.raises(Locked):
            await other.uploads.offset(file)
        return await head(file_id, suffix, count)

    monkeypatch.setattr(parts.store.uploads, "head", meanwhile)
    done = await parts.uploads.complete(file)
    assert await other.uploads.complete(file) == done  # its row was read before
    assert parts.on_disk() == [file.id]


async def test_a_file_is_on_disk_before_its_upload_is_answered(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await parts.storage.user("ann")
    seen: list[str] = []
    complete = parts.register.complete

    async def recording(file_id: str, content: object) -> object:
        seen.extend(parts.on_disk())
        return await complete(file_id, content)  # type: ignore[arg-type]

    monkeypatch.setattr(parts.register, "complete", recording)
    file_id = await parts.upload(ann)
    assert file_id in seen
    found = await parts.register.find(file_id)
    assert found is not None
    assert found.state is FileState.COMPLETE


async def test_unsent_files_go_with_their_account_and_sent_ones_stay(parts: Parts) -> None:
    ann = await parts.storage.user("ann")
    bound, unsent = await parts.upload(ann), await parts.upload(ann)
    await parts.storage.log.store([sent(ann, bound)])
    await parts.storage.delete(ann)
    await parts.cleanup.sweep()
    assert await parts.register.find(unsent) is None
    assert parts.on_disk() == [bound]
