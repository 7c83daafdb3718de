"""Commands on file systems without directory flushes, links, locks or write access."""

import errno
import fcntl
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatserver import data_dir as folder_module
from chatserver.storage.archive_writer import fsync_directory
from tests.rig.needs import require
from tests.test_main import LATER, PASSWORD, Place, sentence

pytestmark = pytest.mark.xdist_group("main")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.succeed("user", "add", "ann", "--admin", "--password-stdin", password=PASSWORD)
    return made


def refuse(monkeypatch: pytest.MonkeyPatch, name: str, number: int) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, name, refused)


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EACCES])
def test_a_backup_works_without_directory_flushes(
    place: Place, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    flush = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    saved = str(place.folder / "saved.zip")
    place.succeed("backup", saved)
    place.succeed("restore", saved, "--replace", "--yes")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize(
    "command",
    [("backup", "x.zip"), ("export", "x.jsonl"), ("keys", "rotate"), ("user", "add", "x")],
)
def test_a_full_disk_is_a_temporary_error(
    place: Place, monkeypatch: pytest.MonkeyPatch, number: int, command: tuple[str, ...]
) -> None:
    refuse(monkeypatch, "fsync", number)
    refuse(monkeypatch, "pwrite", number)
    refuse(monkeypatch, "ftruncate", number)
    sentence(place.run("--data", str(place.data), *command), LATER)
    assert not list(place.folder.glob("x.*"))


def test_a_failed_directory_flush_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "fsync", errno.EIO)
    with pytest.raises(OSError, match="Input/output"):
        fsync_directory(tmp_path)


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.EXDEV, errno.EMLINK])
def test_a_restore_without_hard_links_keeps_the_old_database(
    place: Place, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    saved = str(place.folder / "saved.zip")
    place.succeed("backup", saved)
    before = (place.data / "chat.db").read_bytes()
    refuse(monkeypatch, "link", number)
    place.succeed("restore", saved, "--replace", "--yes")
    kept = place.data / "backups" / "replaced.db"
    assert (kept.read_bytes(), stat.S_IMODE(kept.stat().st_mode)) == (before, 0o600)


def test_a_data_folder_without_locks_is_rejected_and_not_reported_as_in_use(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    for command in (("user", "list"), ("user", "add", "bo")):
        assert "cannot be used: No locks available" in place.fail(*command)


def test_a_folder_without_permissions_is_rejected_with_instructions(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.data.chmod(0o777)
    monkeypatch.setattr(folder_module, "keeps_modes", lambda _folder: False)
    said = place.fail("user", "add", "bo")
    assert "keeps no permissions" in said
    assert "umask=077" in said


def test_a_truncated_archive_is_reported_as_damaged(place: Place) -> None:
    saved = place.folder / "saved.zip"
    place.succeed("backup", str(saved))
    whole = saved.read_bytes()
    for size in (len(whole) - 1, len(whole) // 2, 40):
        saved.write_bytes(whole[:size])
        assert "is damaged: it is cut off" in place.fail("restore", str(saved))


def test_an_export_can_begin_with_a_byte_order_mark(place: Place) -> None:
    written = place.folder / "written.jsonl"
    place.succeed("export", str(written))
    written.write_bytes(b"\xef\xbb\xbf" + written.read_bytes())
    place.data = place.folder / "other"
    assert "Imported" in place.succeed("import", str(written))


@pytest.fixture
def read_only(place: Place) -> Iterator[Place]:
    """The data folder on a read-only file system."""
    require("Mounting (root)", found=os.geteuid() == 0)
    subprocess.run(["mount", "--bind", place.data, place.data], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", place.data], check=True)
        yield place
    finally:
        subprocess.run(["umount", place.data], check=True)


def test_reading_commands_run_on_a_read_only_file_system(read_only: Place) -> None:
    saved = str(read_only.folder / "saved")
    for command in (["user", "list"], ["check"], ["backup", saved], ["export", f"{saved}.jsonl"]):
        read_only.succeed(*command)
    for refused in (["user", "add", "bo"], ["serve", "--port", "0"]):
        assert "its file system is read-only" in read_only.fail(*refused)
    examined = read_only.run("--data", str(read_only.data), "doctor")
    assert "FAIL" in examined.out
    assert "read-only" in examined.out
