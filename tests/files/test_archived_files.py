"""Files in backups and exports: everything comes back, and nothing else is believed."""

import errno
import io
import os
import stat
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZipFile

import pytest

from chatserver.config import Settings
from chatserver.errors import ChatServerError, Unavailable
from chatserver.files.archived_files import add_stored_files
from chatserver.files.verification import file_findings
from chatserver.models import LOBBY
from chatserver.restore import restore
from chatserver.storage.archive_file import Archive, Damaged, Manifest, read
from chatserver.storage.archive_io import NotEmpty, dump
from chatserver.storage.archive_writer import ArchiveReceiver, PackedWriter, PlainWriter
from chatserver.storage.file_origins import FileOrigins
from chatserver.storage.integrity import check
from tests.files.places import ON_FOLDER, Folder, Place
from tests.files.test_cleanup import Parts, parts
from tests.storage.conftest import Storage
from tests.storage.test_apply_files import sent

__all__ = ["parts"]

CONTENT = bytes(range(256)) * 5_000
Form = type[PackedWriter | PlainWriter]


async def save(parts: Parts, target: Path, form: Form, *, with_files: bool = True) -> Archive:
    with target.open("wb") as opened:
        receiver = ArchiveReceiver(lambda manifest: form(opened, manifest))
        async with aclosing(dump(parts.storage.database, now=1)) as pieces:
            async for piece in pieces:
                for line in piece.splitlines(keepends=True):
                    receiver.feed(line)
        if with_files:
            await add_stored_files(receiver, parts.store)
        receiver.finish()
        receiver.close()
    return read(target)


async def findings_of(parts: Parts) -> list[str]:
    return await file_findings(parts.register, parts.store, FileOrigins(parts.storage.database))


async def load(place: Place, archive: Archive, data: Path, *, replace: bool = False) -> Parts:
    """Restore an archive to a data folder, with files elsewhere; return what is there then."""
    there = place.elsewhere(data)
    settings = Settings(data=data, files=there.settings)
    await restore(settings, archive, replace=replace, progress=lambda _rows: None)
    return await Parts(Storage(settings.database_url), there).start()


@pytest.mark.parametrize("form", [PackedWriter, PlainWriter])
async def test_files_and_thumbnails_come_back(parts: Parts, tmp_path: Path, form: Form) -> None:
    ann = await parts.storage.user("ann")
    bound, unsent = await parts.upload(ann, CONTENT), await parts.upload(ann)
    await parts.storage.log.store([sent(ann, bound)])
    parts.place.write(f"{bound}.480", b"thumb")
    archive = await save(parts, tmp_path / "archive", form)
    there = await load(parts.place, archive, tmp_path / "there")
    assert there.on_disk() == sorted([bound, f"{bound}.480", unsent])
    assert there.place.read(bound) == CONTENT
    assert await findings_of(there) == []
    steps = check(there.storage.database)
    assert [found async for step in steps for found in step.findings] == []
    if isinstance(there.place, Folder):
        modes = {stat.S_IMODE(path.stat().st_mode) for path in there.place.folder.rglob("*")}
        assert modes == {0o700, 0o600}
    await there.close()


async def test_a_restore_adds_files_and_replaces_altered_ones(parts: Parts, tmp_path: Path) -> None:
    ann = await parts.storage.user("ann")
    first = await parts.upload(ann, CONTENT)
    whole = await save(parts, tmp_path / "whole", PackedWriter)
    without = await save(parts, tmp_path / "without", PackedWriter, with_files=False)
    there = await load(parts.place, whole, tmp_path / "there")
    second = await there.upload(ann)
    there.place.write(first, b"altered")
    await there.close()
    for archive in (whole, without):
        there = await load(parts.place, archive, tmp_path / "there", replace=True)
        assert there.on_disk() == sorted([first, second])
        assert there.place.read(first) == CONTENT
        await there.close()


async def test_a_restore_that_fails_adds_no_file(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await parts.storage.user("ann")
    file_id = await parts.upload(ann)
    archive = await save(parts, tmp_path / "whole", PackedWriter)
    there = parts.place.elsewhere(tmp_path / "there")

    async def fail(*_args: object, **_options: object) -> None:
        assert there.names() == [file_id]
        raise OSError("broken")

    with monkeypatch.context() as patched:
        patched.setattr("chatserver.restore.replace_file", fail)
        with pytest.raises(OSError, match="broken"):
            await load(parts.place, archive, tmp_path / "there")
    assert there.names() == []
    await (await load(parts.place, archive, tmp_path / "there")).close()
    with pytest.raises(NotEmpty):
        await load(parts.place, archive, tmp_path / "there")
    assert there.names() == [file_id]


@ON_FOLDER
async def test_a_restore_into_a_full_disk_names_the_file_and_leaves_nothing(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await parts.storage.user("ann")
    ids = [await parts.upload(ann, CONTENT) for _ in range(2)]
    archive = await save(parts, tmp_path / "whole", PackedWriter)

    def fail_at_last(descriptor: int) -> None:
        if len([*(tmp_path / "there" / "files").glob("*/*/*")]) == len(ids):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    fsync = os.fsync
    monkeypatch.setattr("chatserver.files.folder_store.os.fsync", fail_at_last)
    with pytest.raises(ChatServerError, match="cannot be stored: No space left on device") as full:
        await load(parts.place, archive, tmp_path / "there")
    assert any(file_id in str(full.value) for file_id in ids)
    assert [*(tmp_path / "there" / "files").glob("*/*")] == []


async def test_pictures_are_stored_uncompressed_and_altered_ones_detected(
    parts: Parts, tmp_path: Path
) -> None:
    ann = await parts.storage.user("ann")
    file_id = await parts.upload(ann, CONTENT)
    target = tmp_path / "archive"
    await save(parts, target, PackedWriter)
    whole = target.read_bytes()
    place = whole.index(CONTENT)
    with ZipFile(target) as packed:
        assert packed.getinfo(f"files/{file_id}").compress_size == len(CONTENT)
    target.write_bytes(whole[:place] + b"!" + whole[place + 1 :])
    with pytest.raises(Damaged):
        read(target)


@pytest.mark.parametrize("form", [PackedWriter, PlainWriter])
def test_a_name_that_leads_elsewhere_is_rejected(tmp_path: Path, form: Form) -> None:
    with (tmp_path / "archive").open("wb") as opened:
        writer = form(opened, Manifest(revision="0012", epoch="e", made_at=1, rows={}))
        writer.add("..x", io.BytesIO(b"x"))
        writer.finish()
    with pytest.raises(Damaged):
        read(tmp_path / "archive")


async def test_missing_altered_and_unknown_files_are_found(parts: Parts) -> None:
    ann = await parts.storage.user("ann")
    sound, missing, altered = [await parts.upload(ann) for _ in range(3)]
    await parts.storage.log.store([sent(ann, missing)])
    day = f"{datetime.fromtimestamp(parts.storage.now / 1000, UTC):%Y-%m-%d}"
    parts.place.remove(missing)
    parts.place.write(altered, b"TEXT")
    parts.place.write("A" * 22, b"x")
    found = await findings_of(parts)
    assert sorted(found) == sorted(
        [
            f'File {missing} ("a.txt", of ann, room 1 lobby, {day}): its bytes are missing.',
            f'File {altered} ("a.txt", of ann, {day}): its bytes are not those that were uploaded.',
            f"File {'A' * 22}: its bytes belong to no message.",
        ]
    )
    assert sound not in " ".join(found)


async def test_a_file_that_cannot_be_read_is_not_said_to_be_missing(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await parts.storage.user("ann")
    await parts.upload(ann)

    async def broken(*_arguments: object) -> tuple[str, int]:
        raise Unavailable

    monkeypatch.setattr(parts.store, "digest", broken)
    (finding,) = await findings_of(parts)
    assert finding.endswith(": its bytes cannot be read.")


async def test_a_bound_file_whose_message_has_none_is_found(parts: Parts) -> None:
    ann = await parts.storage.user("ann")
    file_id = await parts.upload(ann)
    await parts.storage.log.store([sent(ann, file_id)])
    await parts.storage.database.transaction(
        lambda c: c.exec_driver_sql("UPDATE events SET files = NULL")
    )
    steps = check(parts.storage.database)
    found = [finding async for step in steps for finding in step.findings]
    expected = f"Room {LOBBY}, message 1: file {file_id} belongs to it, but it has no files."
    assert expected in found
