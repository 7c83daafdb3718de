"""Disks that the doctor measures."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatserver.commands.doctor import _disks
from chatserver.config import FileSettings, Settings
from chatserver.data_dir import DataDir

MEMORY = Path("/dev/shm")


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    if not MEMORY.is_dir() or MEMORY.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system")
    folder = Path(tempfile.mkdtemp(dir=MEMORY))
    yield folder
    shutil.rmtree(folder)


def test_the_disk_of_files_is_measured_if_it_is_another_one(
    tmp_path: Path, other_disk: Path
) -> None:
    (tmp_path / "files").symlink_to(other_disk)
    kept = FileSettings(free_bytes=2 * shutil.disk_usage(other_disk).free)
    found = [*_disks(DataDir(tmp_path), Settings(data=tmp_path, files=kept))]
    assert [well for well, _text in found] == [True, True, None]
    assert found[1][1].startswith(f"disk of {tmp_path / 'files'}: ")
    in_bucket = Settings(data=tmp_path, files=FileSettings(url="s3://bucket", free_bytes=0))
    assert [well for well, _text in _disks(DataDir(tmp_path), in_bucket)] == [True]


def test_one_disk_is_measured_once(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    settings = Settings(data=tmp_path, files=FileSettings(free_bytes=0, free_percent=0))
    assert [well for well, _text in _disks(DataDir(tmp_path), settings)] == [True]
